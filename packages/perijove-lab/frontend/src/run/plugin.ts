import {
  ILabShell,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, showErrorMessage } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { ITranslator } from '@jupyterlab/translation';
import { SHOW_JOBS } from '../jobs/commands';
import { runRemotelyIcon } from '../jobs/icons';
import { inWords } from '../platform/errors';
import { IPlatform } from '../tokens';
import { RunDialog } from './dialog';
import { knownOf } from './known';
import { send } from './send';

const RUN = 'perijove:run-remotely';
const RUN_SELECTED = 'perijove:run-selected-remotely';

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'perijove-lab:run',
  description: 'Run remotely…: notebooks and scripts become jobs.',
  autoStart: true,
  requires: [IPlatform, ITranslator, IDocumentManager],
  optional: [ICommandPalette, ILabShell, IDefaultFileBrowser],
  activate
};

function activate(
  app: JupyterFrontEnd,
  platform: IPlatform,
  translator: ITranslator,
  documents: IDocumentManager,
  palette: ICommandPalette | null,
  shell: ILabShell | null,
  files: IDefaultFileBrowser | null
): void {
  const trans = translator.load('perijove');
  const remote = new RemoteRuns(app, platform, documents, trans);
  const current = () => {
    const widget = shell?.currentWidget ?? app.shell.currentWidget;
    return widget === null ? undefined : documents.contextForWidget(widget)?.path;
  };
  const selected = () => {
    const items = [...(files?.selectedItems() ?? [])];
    return items.length === 1 ? items[0]?.path : undefined;
  };
  const command = (path: () => string | undefined, label: string) => ({
    label,
    caption: trans.__('Run remotely, as a job: it goes on whether or not this window is open'),
    icon: runRemotelyIcon,
    describedBy: { args: { type: 'object' as const, properties: {} } },
    isEnabled: () => isRunnable(path()),
    execute: () => remote.ask(path() ?? '')
  });
  app.commands.addCommand(RUN, command(current, trans.__('Run Remotely…')));
  app.commands.addCommand(RUN_SELECTED, command(selected, trans.__('Run Remotely…')));
  palette?.addItem({ command: RUN, category: trans.__('Jobs') });
  app.shell.currentChanged?.connect(() => app.commands.notifyCommandChanged(RUN));
}

function isRunnable(path: string | undefined): boolean {
  return path !== undefined && /\.(ipynb|py)$/i.test(path);
}

class RemoteRuns {
  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly platform: IPlatform,
    private readonly documents: IDocumentManager,
    private readonly trans: ReturnType<ITranslator['load']>
  ) {}

  /** Save the file where it is open and changed, ask what is needed, send it, show the new job. */
  async ask(path: string): Promise<void> {
    try {
      await this.save(path);
      const local = this.app.serviceManager.contents.localPath(path);
      const known = await knownOf(this.platform, local);
      const { serverSettings } = this.app.serviceManager;
      const dialog = new RunDialog(
        known,
        (asked, told, signal) => send(serverSettings, asked, told, signal),
        this.trans
      );
      await dialog.launch();
      if (dialog.job !== null) {
        this.platform.announceChange();
        void this.app.commands.execute(SHOW_JOBS, { id: dialog.job });
      }
    } catch (error) {
      void showErrorMessage(this.trans.__('It cannot be sent'), inWords(error));
    }
  }

  private async save(path: string): Promise<void> {
    const open = this.documents.findWidget(path, null);
    if (open?.context.model.dirty) {
      await open.context.save();
    }
  }
}

export default plugin;
