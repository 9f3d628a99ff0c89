import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, ReactWidget, showDialog } from '@jupyterlab/apputils';
import { PageConfig } from '@jupyterlab/coreutils';
import type { IDocumentManager } from '@jupyterlab/docmanager';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';
import { shareIcon } from './icons';
import { ListView } from './listView';
import type { SharedPages } from './pages';
import { ShareView } from './shareView';

export const SHARE_NOTEBOOK = 'perijove:share-notebook';
export const SHARED_PAGES = 'perijove:shared-pages';
export const SHARE_WITH_PEOPLE = 'perijove:share-with-people';
const PATIENCE = 5000;

interface IParts {
  readonly app: JupyterFrontEnd;
  readonly pages: SharedPages;
  readonly notebooks: INotebookTracker;
  readonly documents: IDocumentManager;
  readonly files: IFileBrowserFactory | null;
  readonly trans: TranslationBundle;
}

/** Make the commands known; menus and toolbars name them in `schema/share.json`. */
export function addCommands(parts: IParts): void {
  const { app, trans, pages } = parts;
  const from = {
    type: 'string',
    enum: ['files', 'notebook'],
    description: 'What to share: the file that is selected, or the notebook that is shown'
  };
  app.commands.addCommand(SHARE_NOTEBOOK, {
    label: args => (args.toolbar ? '' : trans.__('Share…')),
    caption: trans.__('Share this notebook by a link'),
    icon: args => (args.toolbar || args.isPalette ? shareIcon : undefined),
    isEnabled: args => chosen(parts, args.from) !== null,
    describedBy: { args: { type: 'object', properties: { from } } },
    execute: async args => {
      const path = chosen(parts, args.from);
      if (path !== null) {
        await share(parts, path);
      }
    }
  });
  app.commands.addCommand(SHARED_PAGES, {
    label: trans.__('What I Share…'),
    caption: trans.__('Public pages of notebooks, and how to take them back'),
    describedBy: { args: { type: 'object', properties: {} } },
    execute: () =>
      showDialog({
        title: trans.__('What I share'),
        body: ReactWidget.create(<ListView pages={pages} trans={trans} />),
        buttons: [Dialog.cancelButton({ label: trans.__('Close') })]
      })
  });
}

/** Working together happens in a room of the hub, which opens the notebook that was published. */
export function addRoomsCommand({ app, pages, notebooks, documents, files, trans }: IParts): void {
  const hub = PageConfig.getOption('hubPrefix');
  app.commands.addCommand(SHARE_WITH_PEOPLE, {
    label: trans.__('Share with People…'),
    caption: trans.__('Work in a room together, live: only what you bring in is shared'),
    isVisible: () => hub !== '',
    describedBy: { args: { type: 'object', properties: {} } },
    execute: async () => {
      const path = chosen({ app, pages, notebooks, documents, files, trans }, 'notebook');
      const local = path === null ? '' : app.serviceManager.contents.localPath(path);
      const page = local === '' ? null : await pages.of(local).catch(() => null);
      window.open(`${hub}rooms${page ? `?page=${page.id}` : ''}`, '_blank', 'noopener');
    }
  });
}

async function share(parts: IParts, path: string): Promise<void> {
  const { pages, trans } = parts;
  const save = (): Promise<void> => saved(parts, path);
  const local = parts.app.serviceManager.contents.localPath(path);
  await showDialog({
    title: trans.__('Share “%1”', local.split('/').pop() ?? local),
    body: ReactWidget.create(<ShareView path={local} pages={pages} save={save} trans={trans} />),
    buttons: [Dialog.cancelButton({ label: trans.__('Close') })]
  });
}

function chosen(parts: IParts, from: unknown): string | null {
  if (from !== 'files') {
    return parts.notebooks.currentWidget?.context.path ?? null;
  }
  const selected = [...(parts.files?.tracker.currentWidget?.selectedItems() ?? [])];
  return selected.length === 1 && selected[0]?.type === 'notebook' ? selected[0].path : null;
}

/** The notebook is on the disk as it is shown. One that several people edit is written by the server. */
async function saved(parts: IParts, path: string): Promise<void> {
  const widget = parts.documents.findWidget(path) ?? null;
  const context = widget ? parts.documents.contextForWidget(widget) : undefined;
  if (!context) {
    return;
  }
  await context.save();
  await written(context);
}

async function written(context: DocumentRegistry.Context): Promise<void> {
  const until = Date.now() + PATIENCE;
  while (context.model.dirty && Date.now() < until) {
    await new Promise(resolve => setTimeout(resolve, 100));
  }
}
