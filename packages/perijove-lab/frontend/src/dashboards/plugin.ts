import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { ILauncher } from '@jupyterlab/launcher';
import { INotebookTracker } from '@jupyterlab/notebook';
import { type Contents, IDefaultDrive } from '@jupyterlab/services';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator } from '@jupyterlab/translation';
import { IPlatform } from '../tokens';
import { addModels } from './models';
import { addPrograms, TENSORBOARD, VOILA } from './programs';
import { UsageItem } from './usage';

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'perijove-lab:dashboards',
  description: 'TensorBoard, Voilà, models, and what the lab uses.',
  autoStart: true,
  requires: [IPlatform, ITranslator, IDocumentManager, IDefaultDrive],
  optional: [ICommandPalette, ILauncher, IDefaultFileBrowser, INotebookTracker, IStatusBar],
  activate: (
    app: JupyterFrontEnd,
    platform: IPlatform,
    translator: ITranslator,
    documents: IDocumentManager,
    drive: Contents.IDrive,
    palette: ICommandPalette | null,
    launcher: ILauncher | null,
    files: IDefaultFileBrowser | null,
    notebooks: INotebookTracker | null,
    status: IStatusBar | null
  ) => {
    const trans = translator.load('perijove');
    addModels(app, drive, platform, trans);
    addPrograms({ app, platform, documents, files, notebooks, trans });
    for (const command of [TENSORBOARD, VOILA]) {
      palette?.addItem({ command, category: trans.__('Dashboards') });
    }
    launcher?.add({ command: TENSORBOARD, category: trans.__('Dashboards'), rank: 1 });
    status?.registerStatusItem('perijove-lab:usage', {
      item: new UsageItem(platform, trans),
      align: 'left',
      rank: 3
    });
  }
};

export default plugin;
