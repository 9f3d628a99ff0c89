import { Throttler } from '@lumino/polling';
import { Signal } from '@lumino/signaling';
import { inWords } from '../platform/errors';
import type { IPlatform, IWatchedJob } from '../tokens';
import { isFinal, type IJobView, type IPoint } from './types';

const LOG_FROM_END = -65_536;
const LOG_KEPT = 400_000;
const POINTS_EVERY = 4000; // milliseconds

interface ILogPart {
  text: string;
  next: number;
}

/** The job that is open in the panel: what is known of it, kept up to date by whoever hears news. */
export class OpenJob {
  readonly changed = new Signal<this, void>(this);
  view: IJobView | null = null;
  points: IPoint[] = [];
  log = '';
  error = '';

  constructor(
    private readonly platform: IPlatform,
    readonly id: string
  ) {}

  get isFinal(): boolean {
    return this.view !== null && isFinal(this.view.state);
  }

  /** Ask for everything that may have changed. Never rejects: what went wrong stands in `error`. */
  async refresh(): Promise<void> {
    try {
      this.view = await this.platform.door<IJobView>(`jobs/${this.id}`);
      this.error = '';
      this.changed.emit();
      await Promise.all([this.readLog(), this.readPoints()]);
    } catch (error) {
      this.error = inWords(error);
    }
    this.changed.emit();
  }

  /** News of this very job; what they do not carry is asked for where it has grown. */
  heard(news: IWatchedJob): void {
    if (news.state !== this.view?.state) {
      void this.refresh();
      return;
    }
    const { reason, position, progress, cancel_requested, usage } = news;
    this.view.live = { ...this.view.live, reason, position, progress, cancel_requested, usage };
    if (progress.metrics !== undefined) {
      void this.soonPoints.invoke();
    }
    this.changed.emit();
    if (news.log > this.logRead) {
      void this.readLog().then(
        () => this.changed.emit(),
        () => undefined // the next news try again
      );
    }
  }

  private async readPoints(): Promise<void> {
    try {
      const { points } = await this.platform.door<{ points: IPoint[] }>(`jobs/${this.id}/series`);
      this.points = points;
      this.changed.emit();
    } catch {
      return; // the next news try again
    }
  }

  private async readLog(): Promise<void> {
    if (this.reading) {
      return;
    }
    this.reading = true;
    try {
      const from = this.logRead < 0 ? LOG_FROM_END : this.logRead;
      const part = await this.platform.door<ILogPart>(`jobs/${this.id}/log?offset=${from}`);
      this.logRead = part.next;
      this.log = (this.log + part.text).slice(-LOG_KEPT);
    } finally {
      this.reading = false;
    }
  }

  private readonly soonPoints = new Throttler(() => this.readPoints(), { limit: POINTS_EVERY });
  private logRead = -1;
  private reading = false;
}
