import type { JupyterFrontEnd } from '@jupyterlab/application';
import { showErrorMessage } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import type { IDocumentManager } from '@jupyterlab/docmanager';
import type { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { inWords } from '../platform/errors';
import type { IPlatform } from '../tokens';
import { showPage } from './frame';
import { tensorboardIcon, voilaIcon } from './icons';
import { showTensorBoard } from './tensorboard';

export const TENSORBOARD = 'perijove:tensorboard';
export const VOILA = 'perijove:voila';

export interface IParts {
  app: JupyterFrontEnd;
  platform: IPlatform;
  documents: IDocumentManager;
  files: IDefaultFileBrowser | null;
  notebooks: INotebookTracker | null;
  trans: TranslationBundle;
}

/** The commands that start a program and show it. */
export function addPrograms(parts: IParts): void {
  const { app, files, notebooks, trans } = parts;
  const args = {
    args: { type: 'object' as const, properties: { path: { type: 'string' as const } } }
  };
  app.commands.addCommand(TENSORBOARD, {
    label: trans.__('TensorBoard'),
    caption: trans.__('Show the logs in this folder, and below it, in TensorBoard'),
    icon: tensorboardIcon,
    describedBy: args,
    execute: given => showFolder(parts, chosen(given.path, selectedFolder(files)))
  });
  app.commands.addCommand(VOILA, {
    label: trans.__('Show as an Application'),
    caption: trans.__('Run this notebook in Voilà: its outputs and widgets, without the code'),
    icon: voilaIcon,
    describedBy: args,
    isEnabled: () => notebooks?.currentWidget !== null,
    execute: async given => {
      const context = notebooks?.currentWidget?.context;
      await context?.save();
      await showApplication(parts, chosen(given.path, context?.path ?? ''));
    }
  });
  notebooks?.currentChanged.connect(() => app.commands.notifyCommandChanged(VOILA));
}

function chosen(given: unknown, otherwise: string): string {
  return typeof given === 'string' ? given : otherwise;
}

/** The folder that is marked in the file browser, or else the one that it shows. */
function selectedFolder(files: IDefaultFileBrowser | null): string {
  const items = [...(files?.selectedItems() ?? [])];
  const only = items.length === 1 ? items[0] : undefined;
  return only?.type === 'directory' ? only.path : (files?.model.path ?? '');
}

async function showFolder(parts: IParts, path: string): Promise<void> {
  const { app, platform, documents, trans } = parts;
  const place = documents.services.contents.localPath(path);
  await showTensorBoard(app, platform, trans, {
    body: { path: place },
    id: place,
    name: PathExt.basename(place) || trans.__('home')
  });
}

async function showApplication(parts: IParts, path: string): Promise<void> {
  const { app, platform, documents, trans } = parts;
  const place = documents.services.contents.localPath(path);
  try {
    const { url } = await platform.door<{ url: string }>('dashboards/voila', {
      method: 'POST',
      body: { path: place }
    });
    const title = PathExt.basename(place);
    showPage(app, { id: `perijove-voila-${place}`, title, url, icon: voilaIcon });
  } catch (error) {
    await showErrorMessage(trans.__('That could not be shown'), inWords(error));
  }
}
