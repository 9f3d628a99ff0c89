import { UUID } from '@lumino/coreutils';
import { Signal } from '@lumino/signaling';
import type { IPlatform } from '../tokens';
import { Transfer } from './transfer';
import type { IUpload } from './upload';

const KEPT = 'perijove:uploads';
const SHOWN = 8000; // milliseconds that a finished upload is still shown

/** All uploads of this browser. What has arrived is known after a reload, so that none begins anew. */
export class UploadsModel {
  readonly stateChanged: Signal<UploadsModel, void> = new Signal<UploadsModel, void>(this);
  uploads: IUpload[] = [];
  private readonly transfers = new Map<string, Transfer>();
  private drawn = 0;

  constructor(private readonly platform: IPlatform) {
    this.uploads = remembered();
    window.addEventListener('online', () => this.wake());
    window.addEventListener('beforeunload', () => this.keep());
  }

  /** Send `files` to a history, one after the other's start. */
  add(files: File[], history: string): void {
    for (const file of files) {
      const upload: IUpload = {
        id: UUID.uuid4(),
        name: file.name,
        size: file.size,
        modified: file.lastModified,
        history,
        state: 'running',
        sent: 0,
        url: null,
        problem: ''
      };
      this.uploads = [upload, ...this.uploads];
      this.begin(upload, file);
    }
  }

  /** Go on with an upload that the page left behind. False where `file` is another one. */
  takeUp(upload: IUpload, file: File): boolean {
    if (file.name !== upload.name || file.size !== upload.size) {
      return false;
    }
    this.begin(upload, file);
    return true;
  }

  pause(upload: IUpload): void {
    this.transfers.get(upload.id)?.pause();
  }

  /** Go on after a pause or a failure. */
  resume(upload: IUpload): void {
    const transfer = this.transfers.get(upload.id);
    if (transfer) {
      transfer.start();
    }
  }

  /** Forget an upload; what had arrived of an unfinished one is thrown away. */
  remove(upload: IUpload): void {
    const transfer = this.transfers.get(upload.id);
    this.transfers.delete(upload.id);
    transfer?.pause();
    this.uploads = this.uploads.filter(one => one.id !== upload.id);
    if (upload.state !== 'done' && upload.url !== null) {
      void fetch(upload.url, {
        method: 'DELETE',
        headers: { ...this.platform.headers, 'Tus-Resumable': '1.0.0' }
      });
    }
    this.changed();
  }

  private begin(upload: IUpload, file: File): void {
    const transfer = new Transfer(this.platform, upload, file, () => this.progressed(upload));
    this.transfers.set(upload.id, transfer);
    transfer.start();
    this.changed();
  }

  private wake(): void {
    for (const upload of this.uploads.filter(one => one.state === 'waiting')) {
      this.resume(upload);
    }
  }

  private progressed(upload: IUpload): void {
    if (upload.state === 'done') {
      this.transfers.delete(upload.id);
      this.platform.announceChange();
      setTimeout(() => this.remove(upload), SHOWN);
    }
    // Every block is news; ten pictures a second are enough.
    const now = performance.now();
    if (upload.state !== 'running' || now - this.drawn > 100) {
      this.drawn = now;
      this.changed();
    }
  }

  private changed(): void {
    this.keep();
    this.stateChanged.emit();
  }

  private keep(): void {
    const open = this.uploads.filter(one => one.state !== 'done');
    localStorage.setItem(KEPT, JSON.stringify(open));
  }
}

function remembered(): IUpload[] {
  try {
    const kept = JSON.parse(localStorage.getItem(KEPT) ?? '[]') as IUpload[];
    return kept.map(upload => ({ ...upload, state: 'interrupted', problem: '' }));
  } catch {
    return [];
  }
}
