import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import type { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import type { INotebookTracker } from '@jupyterlab/notebook';
import { NotebookActions } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IPlatform } from '../tokens';
import { CommandIDs } from './commandIds';
import { codeFor } from './dragging';
import { explained, told } from './explained';
import { currentHistory } from './historyCommands';
import type { HistoriesModel } from './model';

interface IOptions {
  app: JupyterFrontEnd;
  model: HistoriesModel;
  platform: IPlatform;
  trans: TranslationBundle;
  notebooks: INotebookTracker | null;
  files: IDefaultFileBrowser | null;
}

interface IGot {
  paths: string[];
}

/** The ways between a history and the lab's own notebooks and files. */
export function addLabCommands({ app, model, platform, trans, notebooks, files }: IOptions): void {
  const alive = (): boolean => model.active !== null && !model.active.deleted;
  app.commands.addCommand(CommandIDs.insert, {
    label: trans.__('Use in notebook'),
    caption: trans.__('Insert a cell that gets it into the notebook beside'),
    isEnabled: () => alive() && Boolean(notebooks?.currentWidget),
    execute: () => insert(model, notebooks)
  });
  app.commands.addCommand(CommandIDs.copyToLab, {
    label: trans.__('Get into lab'),
    caption: trans.__('Copy it into the folder that the file browser shows'),
    isEnabled: alive,
    execute: () =>
      explained(trans, async () => {
        const folder = files?.model.path ?? '';
        const body = {
          dataset: model.active?.id,
          history: model.active?.history_id,
          kind: model.active?.history_content_type,
          folder
        };
        await told(
          trans.__('Getting “%1”…', model.active?.name ?? ''),
          () => platform.door<IGot>('histories/get', { method: 'POST', body }),
          got => trans.__('It is in %1', got.paths.join(', '))
        );
        await files?.model.refresh();
      })
  });
  addPut({ app, model, platform, trans, files, notebooks });
}

function insert(model: HistoriesModel, notebooks: INotebookTracker | null): void {
  const notebook = notebooks?.currentWidget?.content;
  const content = model.active;
  if (notebook && content) {
    NotebookActions.insertBelow(notebook);
    notebook.activeCell?.model.sharedModel.setSource(codeFor(content));
    notebook.activate();
  }
}

function addPut({ app, model, platform, trans, files }: IOptions): void {
  app.commands.addCommand(CommandIDs.put, {
    label: trans.__('Put into the History'),
    caption: trans.__('Upload the files that are chosen in the file browser to the history'),
    isEnabled: () => files !== null,
    execute: () =>
      explained(trans, async () => {
        const paths = [...(files?.selectedItems() ?? [])].map(item => item.path);
        if (paths.length === 0) {
          Notification.info(trans.__('Choose files in the file browser first.'));
          return;
        }
        const history = await currentHistory(model, trans);
        await told(
          trans.__('Putting into the history: %1', paths.join(', ')),
          () => platform.door('histories/put', { method: 'POST', body: { paths, history } }),
          () => trans.__('In the history: %1', paths.join(', '))
        );
        platform.announceChange();
      })
  });
  app.contextMenu.addItem({
    command: CommandIDs.put,
    selector: '.jp-DirListing-item',
    rank: 50
  });
}
