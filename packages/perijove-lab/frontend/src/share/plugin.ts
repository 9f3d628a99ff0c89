import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator } from '@jupyterlab/translation';
import { IPlatform } from '../tokens';
import {
  addCommands,
  addRoomsCommand,
  SHARE_NOTEBOOK,
  SHARE_WITH_PEOPLE,
  SHARED_PAGES
} from './commands';
import { SharedPages } from './pages';

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'perijove-lab:share',
  description: 'Sharing of notebooks by a link.',
  autoStart: true,
  requires: [IPlatform, ITranslator, INotebookTracker, IDocumentManager],
  optional: [ICommandPalette, IFileBrowserFactory],
  activate: (
    app: JupyterFrontEnd,
    platform: IPlatform,
    translator: ITranslator,
    notebooks: INotebookTracker,
    documents: IDocumentManager,
    palette: ICommandPalette | null,
    files: IFileBrowserFactory | null
  ) => {
    const trans = translator.load('perijove');
    const parts = { app, pages: new SharedPages(platform), notebooks, documents, files, trans };
    addCommands(parts);
    addRoomsCommand(parts);
    for (const command of [SHARE_NOTEBOOK, SHARE_WITH_PEOPLE, SHARED_PAGES]) {
      palette?.addItem({ command, category: trans.__('Sharing') });
    }
  }
};

export default plugin;
