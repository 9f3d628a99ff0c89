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

  /**
   * Histories or jobs changed: look at those that are named. Fires at once after `announceChange`, and while
   * somebody follows, for whatever changed them (a job, a notebook, another browser).
   */
  readonly changed: ISignal<IPlatform, IChange>;

  /** How watched jobs stand now; only where the server has Perijove's additions to Galaxy's API. */
  readonly watched: ISignal<IPlatform, readonly IWatchedJob[]>;

  /**
   * Hear of changes until disposed: for a panel while it is visible. All followers share one request, which
   * the server answers when there is news; a Galaxy is asked now and then. `hidden`: even while the browser's
   * tab is hidden.
   */
  follow(hidden?: boolean): IFollower;

  /** Whether `changed` comes at once; a Galaxy is only looked at now and then. */
  readonly tellsNews: boolean;

  /** Something changed because of this browser: tell everybody who listens to `changed`. */
  announceChange(): void;
}

/** What changed; `everything`: anything may have, and nothing is named. */
export interface IChange {
  everything: boolean;
  histories: string[];
  jobs: string[];
}

export interface IFollower {
  /** Whatever changes after this is told: load lists when it has come. Never rejects. */
  readonly ready: Promise<void>;

  /** Hear also of the progress, place in the queue and log of these jobs. */
  watch(jobs: readonly string[]): void;

  dispose(): void;
}

/** How a job stands, as the server's news have it. */
export interface IWatchedJob {
  id: string;
  state: string;
  reason: string;
  position: number | null;
  progress: IProgress;
  cancel_requested: boolean;
  started: string | null;
  /** Bytes in its log. */
  log: number;
  /** Changes whenever the executed notebook does. */
  notebook: number;
  usage: IUsage | null;
}

/** The latest values of a job’s progress (docs/reference/job-contract.md). */
export interface IProgress {
  time?: number;
  cell?: number;
  cells?: number;
  percent?: number;
  epoch?: number;
  epochs?: number;
  eta?: number;
  message?: string;
  phase?: string;
  metrics?: Record<string, number>;
}

/** What a running job uses: seconds and bytes. */
export interface IUsage {
  cpu_seconds: number;
  memory: number;
  memory_peak: number;
  processes: number;
  gpus: { index: number; percent: number; memory: number; memory_total: number }[];
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
