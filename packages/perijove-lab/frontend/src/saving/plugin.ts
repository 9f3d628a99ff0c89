import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Context, type DocumentRegistry } from '@jupyterlab/docregistry';
import { DisposableDelegate } from '@lumino/disposable';

/** Factories of documents that the server shares, and writes to the disk by itself. */
const SHARED = ['Notebook', 'Editor'];

/**
 * A shared document lies on the disk as the server wrote it a moment ago. That is no change by somebody
 * else, so that saving must not ask whether to overwrite it.
 */
const plugin: JupyterFrontEndPlugin<void> = {
  id: 'perijove-lab:saving',
  description: 'Saves shared documents without asking about the server’s own writing.',
  autoStart: true,
  activate: (app: JupyterFrontEnd) => {
    for (const factory of SHARED) {
      app.docRegistry.addWidgetExtension(factory, { createNew: (_, context) => trusted(context) });
    }
  }
};

function trusted(context: DocumentRegistry.Context): DisposableDelegate {
  void context.ready.then(() => {
    const { collaborative } = context.model;
    if (collaborative && context instanceof Context) {
      context.lastModifiedCheckMargin = Infinity;
    }
  });
  return new DisposableDelegate(() => undefined);
}

export default plugin;
