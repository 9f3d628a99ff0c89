import type { TranslationBundle } from '@jupyterlab/translation';
import { UUID } from '@lumino/coreutils';
import { Throttler } from '@lumino/polling';
import { Signal } from '@lumino/signaling';
import { Histories } from '../histories/galaxy';
import { inWords } from '../platform/errors';
import type { IPlatform } from '../tokens';
import { mayRead } from './again';
import type { IChosen, IChosenFolder } from './chosen';
import { Kept } from './kept';
import { Notes } from './notes';
import { Owners } from './owners';
import { inFolder, shapeOf } from './paths';
import { Sender } from './sender';
import type { IFolder, IUpload } from './upload';
import { isActive, isSame } from './upload';

const SHOWN = 8000; // milliseconds that a finished upload is still shown
const DRAWN = 100; // milliseconds: every block is news; ten pictures a second are enough
const ANNOUNCED = 2000; // milliseconds between two looks at what a folder has brought so far

/** All uploads of this browser. What has arrived is known after a reload, so that none begins anew. */
export class UploadsModel {
  readonly stateChanged: Signal<UploadsModel, void> = new Signal<UploadsModel, void>(this);
  uploads: IUpload[] = [];
  folders: IFolder[] = [];
  private readonly api: Histories;
  private readonly kept: Kept;
  private readonly owners = new Owners();
  private readonly sender: Sender;
  private readonly notes: Notes;
  private readonly draw = new Throttler(() => this.stateChanged.emit(), DRAWN);
  private readonly announce: Throttler;

  constructor(
    private readonly platform: IPlatform,
    trans: TranslationBundle
  ) {
    this.api = new Histories(platform);
    this.kept = new Kept(platform.galaxyUrl(''));
    this.notes = new Notes(this.kept);
    this.announce = new Throttler(() => platform.announceChange(), ANNOUNCED);
    this.sender = new Sender({
      platform,
      trans,
      owners: this.owners,
      uploads: () => this.uploads,
      folders: () => this.folders,
      progressed: upload => this.progressed(upload)
    });
    window.addEventListener('pagehide', () => void this.kept.put(this.uploads.filter(isActive)));
    void this.remember();
  }

  /** The files of `folder`, or those that came alone. */
  filesOf(folder: IFolder | null): IUpload[] {
    return this.uploads.filter(one => one.folder === (folder?.id ?? null));
  }

  /** Send what was chosen to a history. */
  async add(chosen: IChosen, history: string): Promise<void> {
    const alone = chosen.files.map(({ file, handle }) =>
      this.begin(file, { history, handle, folder: null, path: file.name })
    );
    await this.take(alone);
    for (const folder of chosen.folders) {
      await this.addFolder(folder, history);
    }
  }

  /** Go on with an upload that the page left behind. False where `file` is another one. */
  takeUp(upload: IUpload, file: File): boolean {
    if (!isSame(upload, file)) {
      return false;
    }
    this.sender.give(upload, file);
    this.queue([upload]);
    return true;
  }

  /** Go on with a folder that the page left behind. False where none of its files is among these. */
  takeUpFolder(folder: IFolder, files: File[]): boolean {
    const byPath = new Map(files.map(file => [inFolder(file.webkitRelativePath), file]));
    const known = this.filesOf(folder).filter(upload => {
      const file = byPath.get(upload.path);
      const open = upload.state === 'interrupted' || upload.state === 'failed';
      return file !== undefined && open && this.takeUp(upload, file);
    });
    return known.length > 0;
  }

  /** Go on with what the page left behind, without asking for the file: the browser may ask once. */
  async goOn(one: IUpload | IFolder): Promise<void> {
    if (one.handle && (await mayRead(one.handle, true))) {
      this.queue('path' in one ? [one] : this.filesOf(one));
    }
  }

  pause(uploads: IUpload[]): void {
    this.sender.pause(uploads);
  }

  /** Go on after a pause or a failure. */
  resume(uploads: IUpload[]): void {
    this.queue(uploads.filter(({ state }) => state === 'paused' || state === 'failed'));
  }

  /** Try once more to make a collection of a folder whose files are all there. */
  resumeFolder(folder: IFolder): void {
    if (folder.state === 'failed') {
      this.finishFolder(folder);
    }
    this.resume(this.filesOf(folder));
  }

  /** Forget uploads; what had arrived of unfinished ones is thrown away. Datasets stay. */
  remove(uploads: IUpload[]): void {
    const gone = new Set(uploads);
    this.uploads = this.uploads.filter(one => !gone.has(one));
    for (const upload of uploads) {
      this.sender.forget(upload);
      this.throwAway(upload);
    }
    void this.kept.drop(uploads);
    this.finishFolders(uploads);
    this.queue([]);
  }

  removeFolder(folder: IFolder): void {
    this.folders = this.folders.filter(one => one !== folder);
    this.owners.release(folder.id);
    void this.kept.dropFolder(folder);
    this.remove(this.filesOf(folder));
  }

  /** Show what an earlier page left behind, and go on where that needs nobody. */
  private async remember(): Promise<void> {
    const [{ uploads, folders }, elsewhere] = await Promise.all([
      this.kept.load(),
      this.owners.taken()
    ]);
    const here = (id: string | null): boolean => id === null || !elsewhere.has(id);
    const paused = new Set(uploads.filter(one => one.state === 'paused').map(one => one.id));
    const left = uploads.filter(({ id, folder }) => here(id) && here(folder)).map(interrupted);
    const leftFolders = folders.filter(({ id }) => here(id));
    this.uploads = [...this.uploads, ...left];
    this.folders = [...this.folders, ...leftFolders];
    this.changed();
    leftFolders.forEach(folder => this.finishFolder(folder));
    for (const one of [...left, ...leftFolders]) {
      if (one.handle && (await mayRead(one.handle, false))) {
        const files = 'path' in one ? [one] : this.filesOf(one);
        this.queue(files.filter(({ id }) => !paused.has(id)));
      }
    }
  }

  private async addFolder(chosen: IChosenFolder, history: string): Promise<void> {
    const { name, hidden, handle } = chosen;
    const folder: IFolder = {
      id: UUID.uuid4(),
      name,
      history,
      hidden,
      handle,
      state: 'sending',
      problem: ''
    };
    this.folders = [folder, ...this.folders];
    await this.kept.putFolder(folder);
    const inside = { history, handle: null, folder: folder.id };
    await this.take(chosen.files.map(({ path, file }) => this.begin(file, { ...inside, path })));
  }

  private begin(
    file: File,
    given: Pick<IUpload, 'history' | 'handle' | 'folder' | 'path'>
  ): IUpload {
    const upload: IUpload = {
      ...given,
      id: UUID.uuid4(),
      name: file.name,
      size: file.size,
      modified: file.lastModified,
      state: 'queued',
      sent: 0,
      url: null,
      dataset: null,
      problem: ''
    };
    this.sender.give(upload, file);
    return upload;
  }

  private async take(uploads: IUpload[]): Promise<void> {
    this.uploads = [...uploads, ...this.uploads];
    this.queue(uploads);
    await this.kept.put(uploads);
  }

  private progressed(upload: IUpload): void {
    this.notes.take(upload);
    if (upload.state === 'done') {
      this.done(upload);
    }
    this.changed();
  }

  private queue(uploads: IUpload[]): void {
    this.sender.queue(uploads);
    this.changed();
  }

  private done(upload: IUpload): void {
    if (upload.folder === null) {
      this.platform.announceChange();
      setTimeout(() => this.remove([upload]), SHOWN);
    } else {
      void this.announce.invoke();
      this.finishFolders([upload]);
    }
  }

  /** Make collections of the folders of `uploads`, where all their files are there. */
  private finishFolders(uploads: IUpload[]): void {
    const ids = new Set(uploads.map(one => one.folder));
    this.folders.filter(one => ids.has(one.id)).forEach(folder => this.finishFolder(folder));
  }

  private finishFolder(folder: IFolder): void {
    const files = this.filesOf(folder);
    if (files.length === 0) {
      this.removeFolder(folder);
    } else if (folder.state !== 'making' && files.every(one => one.dataset !== null)) {
      void this.collect(folder, files);
    }
  }

  private async collect(folder: IFolder, files: IUpload[]): Promise<void> {
    folder.state = 'making';
    this.changed();
    const shape = shapeOf(files.map(({ path, dataset }) => ({ path, dataset: dataset ?? '' })));
    const whole = { ...shape, name: folder.name, copy_elements: false, hide_source_items: true };
    try {
      await this.api.build(folder.history, whole);
      folder.state = 'done';
      this.platform.announceChange();
      void this.kept.dropFolder(folder);
      void this.kept.drop(files);
      setTimeout(() => this.removeFolder(folder), SHOWN);
    } catch (error) {
      folder.state = 'failed';
      folder.problem = inWords(error);
    }
    this.changed();
  }

  private throwAway(upload: IUpload): void {
    if (upload.dataset === null && upload.url !== null) {
      const headers = { ...this.platform.headers, 'Tus-Resumable': '1.0.0' };
      void fetch(upload.url, { method: 'DELETE', headers });
    }
  }

  private changed(): void {
    void this.draw.invoke();
  }
}

function interrupted(upload: IUpload): IUpload {
  return upload.state === 'done' ? upload : { ...upload, state: 'interrupted', problem: '' };
}
