import { Token } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';

/** The way to the lab's server, and through it to histories and jobs. */
export interface IPlatform {
  /**
   * The decoded answer of Galaxy's API (`path` begins with `api/`), from whichever server stands behind
   * the lab. Rejects with a `PlatformError` that says what to do.
   */
  galaxy<T>(path: string, request?: IRequest): Promise<T>;

  /** The decoded answer of one of the lab's own doors (`path` below `perijove/`). */
  door<T>(path: string, request?: IRequest): Promise<T>;

  /** The address of `path` of Galaxy's API as a browser reaches it: for downloads, pictures and uploads. */
  galaxyUrl(path: string): string;

  /** What every request that changes something must carry. */
  readonly headers: Record<string, string>;

  /** Something changed in a history or a job because of this browser: look now rather than later. */
  readonly changed: ISignal<IPlatform, void>;

  /** Tell everybody who listens to `changed`. */
  announceChange(): void;
}

export interface IRequest {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  body?: unknown;
  signal?: AbortSignal;
}

export const IPlatform = new Token<IPlatform>(
  'perijove-lab:IPlatform',
  'The way to histories and jobs through the lab’s server.'
);
