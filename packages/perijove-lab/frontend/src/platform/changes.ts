import { PromiseDelegate } from '@lumino/coreutils';
import { Poll } from '@lumino/polling';
import { Signal } from '@lumino/signaling';
import type { IChange, IFollower, IPlatform, IWatchedJob } from '../tokens';
import { PlatformError } from './errors';

/** Milliseconds between two questions: after news, and to a Galaxy, which cannot be asked to wait. */
const AFTER_NEWS = 1000;
const GALAXY_RUNNING = 5000;
const GALAXY_QUIET = 30_000;
const AT_MOST_WATCHED = 100;

interface IAnswer extends IChange {
  mark: string;
  watched: IWatchedJob[];
}

/** News of histories and jobs, while somebody follows: one long poll for all who do. */
export class Changes {
  readonly changed: Signal<IPlatform, IChange>;
  readonly watched: Signal<IPlatform, IWatchedJob[]>;

  constructor(private readonly platform: IPlatform) {
    this.changed = new Signal(platform);
    this.watched = new Signal(platform);
    this.poll = new Poll({
      name: 'perijove-lab:changes',
      auto: false,
      factory: () => this.ask(),
      frequency: { interval: AFTER_NEWS, backoff: true, max: GALAXY_QUIET },
      standby: () => this.asleep
    });
  }

  /** False for a real Galaxy, which cannot be asked to wait for news. */
  get tellsNews(): boolean {
    return !this.isGalaxy;
  }

  follow(hidden: boolean): IFollower {
    const follower = new Follower(hidden, this.first.promise, () => this.look());
    this.followers.add(follower);
    follower.left = () => this.leave(follower);
    if (this.followers.size === 1) {
      void this.poll.start();
    }
    return follower;
  }

  private leave(follower: Follower): void {
    if (this.followers.delete(follower) && this.followers.size === 0) {
      void this.poll.stop();
      this.asked?.abort();
    }
  }

  /** The list of watched jobs is another one: ask again with it, now. */
  private look(): void {
    if (this.watching !== this.askedFor) {
      this.asked?.abort();
      void this.poll.refresh();
    }
  }

  private get watching(): string {
    const all = new Set([...this.followers].flatMap(one => one.jobs));
    return [...all].sort().slice(0, AT_MOST_WATCHED).join(',');
  }

  private get asleep(): boolean {
    return document.hidden && ![...this.followers].some(one => one.hidden);
  }

  private async ask(): Promise<void> {
    try {
      await (this.isGalaxy ? this.askGalaxy() : this.askPerijove());
    } finally {
      this.first.resolve(undefined);
    }
  }

  private async askPerijove(): Promise<void> {
    const asked = new AbortController();
    this.asked = asked;
    this.askedFor = this.watching;
    const wait = this.mark === '' ? '&timeout=0' : '';
    const path = `api/perijove/changes?since=${this.mark}&watch=${this.askedFor}${wait}`;
    try {
      this.tell(await this.platform.galaxy<IAnswer>(path, { signal: asked.signal }));
    } catch (error) {
      if (error instanceof PlatformError && error.status === 404) {
        this.isGalaxy = true;
      } else if (!asked.signal.aborted) {
        throw error;
      }
    }
  }

  private tell(answer: IAnswer): void {
    const known = this.mark !== '';
    this.mark = answer.mark;
    if (answer.watched.length > 0) {
      this.watched.emit(answer.watched);
    }
    if (known && (answer.everything || answer.histories.length > 0 || answer.jobs.length > 0)) {
      this.changed.emit(answer);
    }
  }

  private askGalaxy(): Promise<void> {
    this.askedFor = this.watching;
    const interval = this.askedFor === '' ? GALAXY_QUIET : GALAXY_RUNNING;
    this.poll.frequency = { interval, backoff: true, max: 2 * GALAXY_QUIET };
    this.changed.emit(EVERYTHING);
    return Promise.resolve();
  }

  private readonly poll: Poll;
  private readonly followers = new Set<Follower>();
  private readonly first = new PromiseDelegate<void>();
  private asked: AbortController | null = null;
  private askedFor = '';
  private mark = '';
  private isGalaxy = false;
}

export const EVERYTHING: IChange = { everything: true, histories: [], jobs: [] };

class Follower implements IFollower {
  jobs: string[] = [];
  left: (() => void) | null = null;

  constructor(
    readonly hidden: boolean,
    readonly ready: Promise<void>,
    private readonly look: () => void
  ) {}

  watch(jobs: readonly string[]): void {
    this.jobs = [...jobs];
    this.look();
  }

  dispose(): void {
    this.left?.();
  }
}
