import type { Kept } from './kept';
import type { IUpload } from './upload';

const EVERY = 1000; // milliseconds between two notes of how far a file is

/** Keeps how uploads stand: what changed at once, how far they are now and then. */
export class Notes {
  private readonly last = new Map<string, { state: string; url: string | null; at: number }>();

  constructor(private readonly kept: Kept) {}

  take(upload: IUpload): void {
    const { id, state, url } = upload;
    const before = this.last.get(id);
    const now = performance.now();
    if (before?.state === state && before.url === url && now - before.at < EVERY) {
      return;
    }
    this.last.set(id, { state, url, at: now });
    // What a folder has brought is needed for its collection; what came alone is done with.
    if (state === 'done' && upload.folder === null) {
      void this.kept.drop([upload]);
    } else {
      void this.kept.put([upload]);
    }
    if (state === 'done') {
      this.last.delete(id);
    }
  }
}
