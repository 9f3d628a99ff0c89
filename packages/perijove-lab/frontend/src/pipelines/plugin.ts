import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { ILauncher } from '@jupyterlab/launcher';
import { ITranslator } from '@jupyterlab/translation';
import { IPlatform } from '../tokens';
import { pipelineIcon } from './icons';
import { EDITOR, Editor } from './editor';
import { RunTools } from './toolbar';

const NEW = 'perijove:new-pipeline';
const RUN = 'perijove:run-pipeline';
const RERUN = 'perijove:rerun-pipeline';
const ELYRAS_NEW = 'pipeline-editor:open';

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'perijove-lab:pipelines',
  description: 'Pipelines of notebooks: the editor when it is needed, and remote runs.',
  autoStart: true,
  requires: [IPlatform, ITranslator],
  optional: [ICommandPalette, ILauncher, IFileBrowserFactory],
  activate: (
    app: JupyterFrontEnd,
    platform: IPlatform,
    translator: ITranslator,
    palette: ICommandPalette | null,
    launcher: ILauncher | null,
    browsers: IFileBrowserFactory | null
  ) => {
    const trans = translator.load('perijove');
    const editor = new Editor(app, trans);
    if (!editor.installed) {
      return;
    }
    editor.standIn();
    const tools = new RunTools(platform, app.commands, trans);
    app.docRegistry.addWidgetExtension(EDITOR, tools);
    addRunCommands(app, tools, browsers, trans);
    app.commands.addCommand(NEW, {
      label: trans.__('Pipeline of Notebooks'),
      caption: trans.__('Draw which notebooks run after which'),
      icon: pipelineIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: async () => {
        await editor.ready();
        return app.commands.execute(ELYRAS_NEW, { runtimeType: 'LOCAL' }) as Promise<unknown>;
      }
    });
    launcher?.add({ command: NEW, category: trans.__('Other'), rank: 3 });
    for (const command of [NEW, RUN, RERUN]) {
      palette?.addItem({ command, category: trans.__('Perijove') });
    }
  }
};

type Trans = ReturnType<ITranslator['load']>;

function addRunCommands(
  app: JupyterFrontEnd,
  tools: RunTools,
  browsers: IFileBrowserFactory | null,
  trans: Trans
): void {
  const chosen = (): string | null => {
    const items = [...(browsers?.tracker.currentWidget?.selectedItems() ?? [])];
    const path = items.length === 1 ? items[0]?.path : undefined;
    return path?.endsWith('.pipeline') ? path : null;
  };
  const open = () => tools.runOf(app.shell.currentWidget);
  const add = (id: string, label: string, rerun: boolean): void => {
    app.commands.addCommand(id, {
      label,
      describedBy: { args: { type: 'object', properties: { chosen: { type: 'boolean' } } } },
      isEnabled: args => (args.chosen === true ? chosen() !== null : open() !== null),
      isVisible: args => args.chosen !== true || chosen() !== null,
      execute: async args => {
        const path = args.chosen === true ? chosen() : null;
        await (path === null ? open() : await opened(app, tools, path))?.start(rerun);
      }
    });
    const selector = '.jp-DirListing-item[data-isdir="false"]';
    app.contextMenu.addItem({ command: id, selector, rank: 3, args: { chosen: true } });
  };
  add(RUN, trans.__('Run Pipeline Remotely'), false);
  add(RERUN, trans.__('Run Pipeline On from Where It Failed'), true);
}

/** The run of the pipeline in `path`, opened in the editor. */
async function opened(app: JupyterFrontEnd, tools: RunTools, path: string) {
  await app.commands.execute('docmanager:open', { path });
  for (let look = 0; look < 600; look += 1) {
    const found = [...app.shell.widgets('main')].find(
      widget =>
        (widget as { context?: { path: string } }).context?.path === path && tools.runOf(widget)
    );
    if (found) {
      return tools.runOf(found);
    }
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  return null;
}

export default plugin;
