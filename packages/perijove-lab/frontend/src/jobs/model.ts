import { Debouncer } from '@lumino/polling';
import { Signal } from '@lumino/signaling';
import { inWords } from '../platform/errors';
import type { IChange, IFollower, IPlatform, IWatchedJob } from '../tokens';
import { OpenJob } from './job';
import { isFinal, type IJob } from './types';

export const PAGE = 100;
const TOOL = 'run_jupyter_job';
const UNFINISHED = ['new', 'queued', 'running', 'paused'];

/** My jobs, the newest first, up to date while the panel is visible; and the one that is open. */
export class JobsModel {
  readonly changed = new Signal<this, void>(this);
  /** Jobs that were seen and have not ended. */
  readonly unfinished = new Signal<this, IJob[]>(this);
  jobs: IJob[] = [];
  live = new Map<string, IWatchedJob>();
  loaded = false;
  error = '';
  more = false;
  open: OpenJob | null = null;

  constructor(private readonly platform: IPlatform) {
    platform.changed.connect((_, change) => this.onChange(change));
    platform.watched.connect((_, jobs) => this.onWatched(jobs));
  }

  /** Follow what changes while somebody looks, and only then. */
  set visible(visible: boolean) {
    if (visible && this.follower === null) {
      this.follower = this.platform.follow();
      void this.follower.ready.then(() => this.refresh());
    } else if (!visible) {
      this.follower?.dispose();
      this.follower = null;
    }
  }

  /** Show one job, or with null the list again. */
  choose(id: string | null): void {
    this.open = id === null ? null : new OpenJob(this.platform, id);
    this.open?.changed.connect(() => {
      this.watch();
      this.changed.emit();
    });
    void this.open?.refresh();
    this.watch();
    this.changed.emit();
  }

  /** Ask for the list again, as far as it is shown. Never rejects. */
  async refresh(): Promise<void> {
    await this.load(0, Math.max(PAGE, this.jobs.length));
  }

  /** The job that is open, else the newest that runs, else the newest; null where there is none. */
  async chosen(): Promise<{ id: string; name: string } | null> {
    if (this.open === null) {
      await this.refresh();
    }
    const running = this.jobs.find(job => job.state === 'running');
    const found = this.open?.view ?? running ?? this.jobs[0];
    return found === undefined ? null : { id: found.id, name: found.name ?? found.id };
  }

  /** The next page of older jobs. */
  async loadMore(): Promise<void> {
    if (this.more && !this.loading) {
      await this.load(this.jobs.length, PAGE);
    }
  }

  private async load(offset: number, limit: number): Promise<void> {
    this.loading = true;
    try {
      const found = await this.ask(offset, limit);
      this.jobs = [...this.jobs.slice(0, offset), ...found];
      this.more = found.length === limit;
      this.loaded = true;
      this.error = '';
      this.unfinished.emit(found.filter(job => !isFinal(job.state)));
    } catch (error) {
      this.error = inWords(error);
    }
    this.loading = false;
    this.watch();
    this.changed.emit();
  }

  /** The jobs that have not ended; `unfinished` hears of them too. None is shown. Rejects where the server is away. */
  async lookForUnfinished(): Promise<IJob[]> {
    const found = await this.ask(0, PAGE, UNFINISHED);
    this.unfinished.emit(found);
    return found;
  }

  private async ask(offset: number, limit: number, states: string[] = []): Promise<IJob[]> {
    this.user ??= (await this.platform.galaxy<{ id: string }>('api/users/current')).id;
    const query = new URLSearchParams({
      user_id: this.user, // an administrator would see everybody's
      tool_id: TOOL,
      order_by: 'create_time',
      limit: String(limit),
      offset: String(offset)
    });
    states.forEach(state => query.append('state', state));
    return this.platform.galaxy<IJob[]>(`api/jobs?${query}`);
  }

  private watch(): void {
    const running = this.jobs.filter(job => !isFinal(job.state)).map(job => job.id);
    const open = this.open !== null && !this.open.isFinal ? [this.open.id] : [];
    this.follower?.watch([...open, ...running]);
  }

  private onChange(change: IChange): void {
    if (this.follower === null || !(change.everything || change.jobs.length > 0)) {
      return;
    }
    void this.soon.invoke();
    if (this.open !== null && (change.everything || change.jobs.includes(this.open.id))) {
      void this.open.refresh();
    }
  }

  private onWatched(jobs: readonly IWatchedJob[]): void {
    this.live = new Map(jobs.map(job => [job.id, job]));
    this.jobs = this.jobs.map(job => ({
      ...job,
      state: this.live.get(job.id)?.state ?? job.state
    }));
    const open = this.live.get(this.open?.id ?? '');
    if (open !== undefined) {
      this.open?.heard(open);
    }
    this.changed.emit();
  }

  private readonly soon = new Debouncer(() => this.refresh(), 100);
  private follower: IFollower | null = null;
  private user: string | null = null;
  private loading = false;
}
