import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import { inWords } from '../platform/errors';
import type { IPlatform } from '../tokens';
import { SHOW_DATASET, SHOW_NOTEBOOK, SHOW_TENSORBOARD } from './commands';
import { isFinal, type IEntry, type IJobView } from './types';

/** What can be done with a job. Nothing here rejects: what goes wrong is told. */
export class JobActions {
  constructor(
    private readonly platform: IPlatform,
    private readonly commands: CommandRegistry,
    private readonly trans: TranslationBundle
  ) {}

  /** End a job, after asking. */
  async cancel(job: IJobView): Promise<void> {
    const trans = this.trans;
    const asked = await showDialog({
      title: trans.__('Cancel %1?', job.name),
      body: trans.__('The job ends now. What its notebook holds so far is kept.'),
      buttons: [
        Dialog.cancelButton({ label: trans.__('Let it run') }),
        Dialog.warnButton({ label: trans.__('Cancel the job') })
      ]
    });
    if (asked.button.accept) {
      await this.tried(() => this.platform.galaxy(`api/jobs/${job.id}`, { method: 'DELETE' }));
    }
  }

  /** Submit the same notebook with the same inputs and parameters; the new job's id, null where refused. */
  async again(job: IJobView): Promise<string | null> {
    const made = await this.tried(() =>
      this.platform.door<{ id: string }>(`jobs/${job.id}/again`, { method: 'POST' })
    );
    return made?.id ?? null;
  }

  /** Whether outputs can be shown in their history. */
  get canShow(): boolean {
    return this.commands.hasCommand(SHOW_DATASET);
  }

  /** Jump to an output in the panel of histories. */
  show(job: IJobView, entry: IEntry): void {
    const dataset = { history_id: job.history_id, dataset_id: entry.id, src: entry.src };
    void this.commands.execute(SHOW_DATASET, dataset);
  }

  /** Open the executed notebook, which renews itself while the job runs. */
  showNotebook(job: IJobView): void {
    void this.commands.execute(SHOW_NOTEBOOK, {
      id: job.id,
      name: job.name,
      ended: isFinal(job.state)
    });
  }

  /** Show what the job writes for TensorBoard, as it grows. */
  showTensorBoard(job: IJobView): void {
    void this.commands.execute(SHOW_TENSORBOARD, { id: job.id, name: job.name });
  }

  private async tried<T>(act: () => Promise<T>): Promise<T | null> {
    try {
      const answer = await act();
      this.platform.announceChange();
      return answer;
    } catch (error) {
      Notification.error(inWords(error), { autoClose: false });
      return null;
    }
  }
}
