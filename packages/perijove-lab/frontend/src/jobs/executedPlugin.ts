import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IEditorServices } from '@jupyterlab/codeeditor';
import { NotebookPanel } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator } from '@jupyterlab/translation';
import { IPlatform } from '../tokens';
import { SHOW_NOTEBOOK } from './commands';
import { ExecutedNotebook } from './executed';

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'perijove-lab:executed-notebooks',
  description: 'Executed notebooks of jobs, to read while they grow.',
  autoStart: true,
  requires: [
    IPlatform,
    ITranslator,
    IRenderMimeRegistry,
    NotebookPanel.IContentFactory,
    IEditorServices
  ],
  activate: (
    app: JupyterFrontEnd,
    platform: IPlatform,
    translator: ITranslator,
    rendermime: IRenderMimeRegistry,
    contentFactory: NotebookPanel.IContentFactory,
    editorServices: IEditorServices
  ) => {
    const opened = new Map<string, ExecutedNotebook>();
    const parts = { platform, translator, rendermime, contentFactory, editorServices };
    app.commands.addCommand(SHOW_NOTEBOOK, {
      label: translator.load('perijove').__('Open Executed Notebook'),
      describedBy: {
        args: {
          type: 'object',
          properties: {
            id: { type: 'string' },
            name: { type: 'string' },
            ended: { type: 'boolean' }
          },
          required: ['id']
        }
      },
      execute: args => {
        const id = typeof args.id === 'string' ? args.id : '';
        let widget = opened.get(id);
        if (widget === undefined || widget.isDisposed) {
          const name = typeof args.name === 'string' ? args.name : id;
          const job = { id, name, ended: args.ended === true };
          widget = new ExecutedNotebook({ ...parts, job });
          opened.set(id, widget);
          widget.disposed.connect(() => opened.delete(id));
          app.shell.add(widget, 'main');
        }
        app.shell.activateById(widget.id);
      }
    });
  }
};

export default plugin;
