import type { JupyterFrontEnd } from '@jupyterlab/application';
import { showErrorMessage } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { showTensorBoard } from '../dashboards/tensorboard';
import type { IPlatform } from '../tokens';
import { SHOW_TENSORBOARD } from './commands';
import type { JobsModel } from './model';

/** The command that shows what a job writes for TensorBoard. */
export function addTensorBoard(
  app: JupyterFrontEnd,
  platform: IPlatform,
  model: JobsModel,
  trans: TranslationBundle
): void {
  app.commands.addCommand(SHOW_TENSORBOARD, {
    label: trans.__('TensorBoard of a Job'),
    caption: trans.__('Show the logs of the job that is open in the panel, else of the newest'),
    describedBy: {
      args: {
        type: 'object',
        properties: { id: { type: 'string' }, name: { type: 'string' } }
      }
    },
    execute: async args => {
      const job = given(args) ?? (await model.chosen());
      if (job === null) {
        const nothing = model.error || trans.__('You have no jobs yet.');
        await showErrorMessage(trans.__('That could not be shown'), nothing);
        return;
      }
      const { id, name } = job;
      await showTensorBoard(app, platform, trans, { body: { job: id }, id: `job-${id}`, name });
    }
  });
}

function given({
  id,
  name
}: {
  id?: unknown;
  name?: unknown;
}): { id: string; name: string } | null {
  return typeof id === 'string' ? { id, name: typeof name === 'string' ? name : id } : null;
}
