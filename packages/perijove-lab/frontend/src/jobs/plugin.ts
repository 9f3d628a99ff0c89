import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator } from '@jupyterlab/translation';
import { IPlatform } from '../tokens';
import { JobActions } from './actions';
import { jobsIcon } from './icons';
import { SHOW_JOBS, SHOW_TENSORBOARD } from './commands';
import { JobsModel } from './model';
import { Notices } from './notices';
import { JobsPanel } from './panel';
import { addTensorBoard } from './tensorboard';

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'perijove-lab:jobs',
  description: 'Jobs, in a panel beside the notebook, and a word when one has ended.',
  autoStart: true,
  requires: [IPlatform, ITranslator],
  optional: [ICommandPalette, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    platform: IPlatform,
    translator: ITranslator,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ) => {
    const trans = translator.load('perijove');
    const model = new JobsModel(platform);
    const panel = new JobsPanel(model, new JobActions(platform, app.commands, trans), trans);
    panel.title.icon = jobsIcon;
    panel.title.caption = trans.__('Jobs');
    app.shell.add(panel, 'left', { rank: 160, type: 'Jobs' });
    restorer?.add(panel, panel.id);
    app.commands.addCommand(SHOW_JOBS, {
      label: trans.__('Show Jobs'),
      describedBy: { args: { type: 'object', properties: { id: { type: 'string' } } } },
      execute: args => {
        app.shell.activateById(panel.id);
        model.choose(typeof args.id === 'string' ? args.id : null);
      }
    });
    addTensorBoard(app, platform, model, trans);
    for (const command of [SHOW_JOBS, SHOW_TENSORBOARD]) {
      palette?.addItem({ command, category: trans.__('Jobs') });
    }
    new Notices(platform, model, app.commands, trans).start(app.restored);
  }
};

export default plugin;
