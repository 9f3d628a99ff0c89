import { Signal, type ISignal } from '@lumino/signaling';
import { inWords } from '../platform/errors';
import type { IChange, IFollower, IPlatform } from '../tokens';

/** A node of a pipeline as it stands in the last run. */
export interface INode {
  key: string;
  label: string;
  after: string[];
  state: string;
  job: string | null;
  reused: boolean;
  text: string;
  percent: number | null;
}

interface IAnswer {
  id: string | null;
  state: string;
  nodes: INode[];
}

const NONE: IAnswer = { id: null, state: '', nodes: [] };

/** The last run of a pipeline, followed while its tab is visible. */
export class Run {
  constructor(
    private readonly platform: IPlatform,
    private readonly path: () => string
  ) {
    platform.changed.connect((_, change) => this.onChange(change), this);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get nodes(): readonly INode[] {
    return this.answer.nodes;
  }

  /** `running`, `ok`, `error`, `deleted`; empty where there was no run. */
  get state(): string {
    return this.answer.state;
  }

  /** What went wrong with the last request, for people. */
  get trouble(): string {
    return this._trouble;
  }

  get busy(): boolean {
    return this._busy;
  }

  /** Follow it while its tab is looked at. */
  set visible(visible: boolean) {
    if (visible === (this.follower !== null)) {
      return;
    }
    this.follower?.dispose();
    this.follower = visible ? this.platform.follow() : null;
    if (this.follower) {
      void this.follower.ready.then(() => this.refresh());
    }
  }

  /** Send the pipeline away; with `rerun`, on from where it failed. */
  async start(rerun: boolean): Promise<void> {
    await this.ask('POST', { path: this.path(), rerun });
    this.platform.announceChange();
  }

  async cancel(): Promise<void> {
    await this.ask('DELETE');
    this.platform.announceChange();
  }

  async refresh(): Promise<void> {
    if (this._busy) {
      return;
    }
    await this.ask('GET');
  }

  dispose(): void {
    this.visible = false;
    Signal.clearData(this);
  }

  private async ask(method: 'GET' | 'POST' | 'DELETE', body?: unknown): Promise<void> {
    const asking = method !== 'GET';
    this._busy ||= asking;
    this._changed.emit();
    try {
      const query = body === undefined ? `?path=${encodeURIComponent(this.path())}` : '';
      const request = body === undefined ? { method } : { method, body };
      this.answer = await this.platform.door<IAnswer>(`pipelines/run${query}`, request);
      this._trouble = '';
      const moving = this.nodes.filter(node => node.state === 'running');
      this.follower?.watch(moving.flatMap(node => node.job ?? []));
    } catch (error) {
      this._trouble = inWords(error);
    } finally {
      this._busy &&= !asking;
      this._changed.emit();
    }
  }

  private onChange(change: IChange): void {
    const ours = this.nodes.some(node => node.job !== null && change.jobs.includes(node.job));
    if (this.follower && (change.everything || ours)) {
      void this.refresh();
    }
  }

  private answer: IAnswer = NONE;
  private follower: IFollower | null = null;
  private _busy = false;
  private _trouble = '';
  private readonly _changed = new Signal<this, void>(this);
}
