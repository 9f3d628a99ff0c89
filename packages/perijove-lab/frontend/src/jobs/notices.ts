import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import type { IChange, IFollower, IPlatform } from '../tokens';
import type { JobsModel } from './model';
import { SHOW_JOBS } from './commands';
import { isFinal, type IJobView } from './types';

/**
 * A word when a job has ended. While jobs that were seen have not ended, and only then, news are followed
 * even when no panel is visible.
 */
export class Notices {
  constructor(
    private readonly platform: IPlatform,
    private readonly model: JobsModel,
    private readonly commands: CommandRegistry,
    private readonly trans: TranslationBundle
  ) {
    model.unfinished.connect((_, jobs) => jobs.forEach(job => this.expect(job.id)));
    platform.changed.connect((_, change) => this.onChange(change));
  }

  /** Look once, when the lab is there, for jobs of before. */
  start(restored: Promise<void>): void {
    void restored.then(() => this.model.lookForUnfinished()).catch(() => undefined); // the panel says what is wrong when it is opened
  }

  private expect(id: string): void {
    this.expected.add(id);
    this.follower ??= this.platform.follow(true);
  }

  private onChange(change: IChange): void {
    if (change.everything && this.expected.size > 0) {
      void this.lookAtAll();
    }
    change.jobs.filter(id => this.expected.has(id)).forEach(id => void this.look(id));
  }

  /** A Galaxy does not say what has changed: one list tells which jobs still go on. */
  private async lookAtAll(): Promise<void> {
    try {
      const going = new Set((await this.model.lookForUnfinished()).map(job => job.id));
      [...this.expected].filter(id => !going.has(id)).forEach(id => void this.look(id));
    } catch {
      return; // the next change looks again
    }
  }

  private async look(id: string): Promise<void> {
    let job: IJobView;
    try {
      job = await this.platform.door<IJobView>(`jobs/${id}`);
    } catch {
      return; // the next change looks again
    }
    if (isFinal(job.state) && this.expected.delete(id)) {
      this.tell(job);
    }
    if (this.expected.size === 0) {
      this.follower?.dispose();
      this.follower = null;
    }
  }

  private tell(job: IJobView): void {
    const actions = [
      {
        label: this.trans.__('Show'),
        callback: () => void this.commands.execute(SHOW_JOBS, { id: job.id })
      }
    ];
    if (job.state === 'ok') {
      Notification.success(this.trans.__('%1 is done.', job.name), { actions, autoClose: 10_000 });
    } else if (job.state === 'deleted') {
      Notification.info(this.trans.__('%1 was cancelled.', job.name), { actions });
    } else {
      const why = job.live.error?.message ?? '';
      const text = this.trans.__('%1 has failed. %2', job.name, why.slice(0, 200));
      Notification.error(text, { actions, autoClose: false });
    }
  }

  private readonly expected = new Set<string>();
  private follower: IFollower | null = null;
}
