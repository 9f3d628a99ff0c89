import type { TranslationBundle } from '@jupyterlab/translation';
import type { IPlatform } from '../tokens';
import { opened } from './again';
import type { Owners } from './owners';
import { changedSince, Transfer } from './transfer';
import type { IFolder, IUpload } from './upload';
import { isActive, isSame } from './upload';

const AT_ONCE = 4; // files that are sent at the same time

interface IOptions {
  platform: IPlatform;
  trans: TranslationBundle;
  owners: Owners;
  uploads: () => readonly IUpload[];
  folders: () => readonly IFolder[];
  /** An upload is further, or in another state. */
  progressed: (upload: IUpload) => void;
}

/** Sends what is queued, a few files at a time. */
export class Sender {
  /** The files of this page, by their upload: no question is asked for these. */
  private readonly files = new Map<string, File>();
  private readonly transfers = new Map<string, Transfer>();

  constructor(private readonly options: IOptions) {
    window.addEventListener('online', () => this.wake());
  }

  /** The file of an upload is at hand. */
  give(upload: IUpload, file: File): void {
    this.files.set(upload.id, file);
  }

  /** Send these once it is their turn; those that are sent already, and those that are there, go on as they are. */
  queue(uploads: readonly IUpload[]): void {
    for (const upload of uploads) {
      if (upload.state !== 'done' && !isActive(upload)) {
        upload.state = 'queued';
        upload.problem = '';
      }
    }
    this.pump();
  }

  pause(uploads: readonly IUpload[]): void {
    uploads.filter(one => one.state === 'queued').forEach(one => this.stop(one, 'paused'));
    for (const upload of uploads) {
      if (upload.state === 'running' || upload.state === 'waiting') {
        this.transfers.get(upload.id)?.pause();
        this.stop(upload, 'paused');
      }
    }
  }

  /** Nothing more is sent of it. */
  forget(upload: IUpload): void {
    this.transfers.get(upload.id)?.pause();
    this.transfers.delete(upload.id);
    this.files.delete(upload.id);
    this.options.owners.release(upload.id);
  }

  private pump(): void {
    const all = this.options.uploads();
    let free = AT_ONCE - all.filter(isActive).length;
    for (const upload of all) {
      if (free > 0 && upload.state === 'queued') {
        free -= 1;
        upload.state = 'running';
        void this.start(upload);
      }
    }
  }

  private async start(upload: IUpload): Promise<void> {
    const { owners, trans } = this.options;
    if (!(await owners.take(upload.folder ?? upload.id))) {
      this.stop(upload, 'failed', trans.__('Another tab sends it.'));
      return;
    }
    const file = await this.fileOf(upload);
    if (upload.state !== 'running' || !this.options.uploads().includes(upload)) {
      return; // paused or removed meanwhile
    }
    if (!file || !isSame(upload, file)) {
      this.stop(upload, 'failed', changedSince(trans));
      return;
    }
    this.files.set(upload.id, file);
    this.transferOf(upload, file).start();
  }

  private async fileOf(upload: IUpload): Promise<File | null> {
    const folder = this.options.folders().find(one => one.id === upload.folder);
    return this.files.get(upload.id) ?? (await opened(upload, folder));
  }

  private transferOf(upload: IUpload, file: File): Transfer {
    const { platform, trans } = this.options;
    const told = (): void => this.progressed(upload);
    const transfer =
      this.transfers.get(upload.id) ?? new Transfer(platform, upload, file, told, trans);
    this.transfers.set(upload.id, transfer);
    return transfer;
  }

  private progressed(upload: IUpload): void {
    if (upload.state === 'done') {
      this.transfers.delete(upload.id);
      this.files.delete(upload.id);
      this.options.owners.release(upload.id);
    }
    this.options.progressed(upload);
    if (!isActive(upload)) {
      this.pump();
    }
  }

  private stop(upload: IUpload, state: 'paused' | 'failed', problem = ''): void {
    upload.state = state;
    upload.problem = problem;
    this.progressed(upload);
  }

  private wake(): void {
    for (const upload of this.options.uploads().filter(one => one.state === 'waiting')) {
      this.transfers.get(upload.id)?.start();
    }
  }
}
