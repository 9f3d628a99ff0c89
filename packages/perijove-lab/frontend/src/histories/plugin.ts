import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator } from '@jupyterlab/translation';
import { IPlatform } from '../tokens';
import { UploadsModel } from '../uploads/model';
import { CommandIDs } from './commandIds';
import { addContentCommands } from './contentCommands';
import { addHistoryCommands } from './historyCommands';
import { addLabCommands } from './labCommands';
import { HistoriesModel } from './model';
import { HistoriesPanel } from './panel';

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'perijove-lab:histories',
  description: 'Histories and their datasets, in a panel beside the notebook.',
  autoStart: true,
  requires: [IPlatform, ITranslator],
  optional: [ICommandPalette, ILayoutRestorer, INotebookTracker, IDefaultFileBrowser],
  activate
};

function activate(
  app: JupyterFrontEnd,
  platform: IPlatform,
  translator: ITranslator,
  palette: ICommandPalette | null,
  restorer: ILayoutRestorer | null,
  notebooks: INotebookTracker | null,
  files: IDefaultFileBrowser | null
): void {
  const trans = translator.load('perijove');
  const model = new HistoriesModel(platform);
  const uploads = new UploadsModel(platform, trans);
  const panel = new HistoriesPanel(model, uploads, app.commands, trans);
  addHistoryCommands({ app, model, uploads, panel, trans, platform });
  addContentCommands({ app, model, trans, platform });
  addLabCommands({ app, model, trans, platform, notebooks, files });
  app.shell.add(panel, 'left', { rank: 150, type: 'Histories' });
  restorer?.add(panel, panel.id);
  const { show, create, upload, uploadFolder, put } = CommandIDs;
  for (const command of [show, create, upload, uploadFolder, put]) {
    palette?.addItem({ command, category: trans.__('Histories') });
  }
}

export default plugin;
