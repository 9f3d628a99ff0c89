import type { JupyterFrontEnd } from '@jupyterlab/application';
import { InputDialog, MainAreaWidget, Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IPlatform } from '../tokens';
import { download } from './browser';
import { CommandIDs } from './commandIds';
import { explained } from './explained';
import type { IContent } from './galaxy';
import type { HistoriesModel } from './model';
import { Preview } from './preview/widget';
import { showProvenance } from './provenance';

interface IOptions {
  app: JupyterFrontEnd;
  model: HistoriesModel;
  platform: IPlatform;
  trans: TranslationBundle;
}

/** What can be done with datasets and collections; in their context menu too. */
export function addContentCommands(options: IOptions): void {
  addLooking(options);
  addChanging(options);
  addDeleting(options);
  const { preview, insert, copyToLab, download, provenance, renameContent } = CommandIDs;
  const { tags, build, removeContent, undeleteContent } = CommandIDs;
  const first = [preview, insert, copyToLab, download, provenance];
  [...first, renameContent, tags, build, removeContent, undeleteContent].forEach((command, rank) =>
    options.app.contextMenu.addItem({ command, selector: '.pj-Row', rank })
  );
}

function addLooking({ app, model, platform, trans }: IOptions): void {
  const active = (): IContent | null => (model.active?.deleted ? null : model.active);
  app.commands.addCommand(CommandIDs.preview, {
    label: trans.__('Look'),
    caption: trans.__('Show what is in it'),
    isEnabled: () => active() !== null,
    execute: () => {
      const content = active();
      if (content) {
        show(app, new Preview(content, model.api, platform, trans));
      }
    }
  });
  app.commands.addCommand(CommandIDs.download, {
    label: trans.__('Download'),
    caption: trans.__('Download to your own computer; a collection as a zip archive'),
    isEnabled: () => active() !== null,
    execute: () => chosenOf(model).forEach(content => download(model.api.download(content)))
  });
  app.commands.addCommand(CommandIDs.provenance, {
    label: trans.__('Made by…'),
    caption: trans.__('Which job made it, from what'),
    isEnabled: () => Boolean(active()?.creating_job),
    execute: () => explained(trans, () => showProvenance(app, platform, trans, model.active))
  });
  app.commands.addCommand(CommandIDs.showDataset, {
    label: trans.__('Show a Dataset in its History'),
    execute: async args => {
      await app.commands.execute(CommandIDs.show);
      await model.open(args.history_id as string);
      const found = await model.api.dataset(args.dataset_id as string);
      model.choose(found, false);
    }
  });
}

function show(app: JupyterFrontEnd, preview: Preview): void {
  const there = [...app.shell.widgets('main')].find(widget => widget.id === preview.id);
  if (there) {
    preview.dispose();
    app.shell.activateById(there.id);
    return;
  }
  const widget = new MainAreaWidget({ content: preview });
  widget.id = preview.id;
  app.shell.add(widget, 'main');
}

function chosenOf(model: HistoriesModel): IContent[] {
  const chosen = [...model.chosen.values()];
  return chosen.length || !model.active ? chosen : [model.active];
}

function addChanging({ app, model, trans }: IOptions): void {
  const alive = (): boolean => model.active !== null && !model.active.deleted;
  app.commands.addCommand(CommandIDs.renameContent, {
    label: trans.__('Rename…'),
    isEnabled: alive,
    execute: () => explained(trans, () => rename(model, trans))
  });
  app.commands.addCommand(CommandIDs.tags, {
    label: trans.__('Tags…'),
    isEnabled: alive,
    execute: () => explained(trans, () => tag(model, trans))
  });
  app.commands.addCommand(CommandIDs.build, {
    label: trans.__('Make a Collection…'),
    caption: trans.__('Of the datasets that are chosen (Ctrl+click chooses several)'),
    isEnabled: () => alive() && model.chosen.size > 1,
    execute: () => explained(trans, () => build(model, trans))
  });
}

function addDeleting({ app, model, trans }: IOptions): void {
  app.commands.addCommand(CommandIDs.removeContent, {
    label: trans.__('Delete'),
    isEnabled: () => model.active !== null && !model.active.deleted,
    execute: () => explained(trans, () => remove(model, trans))
  });
  app.commands.addCommand(CommandIDs.undeleteContent, {
    label: trans.__('Bring back'),
    isVisible: () => Boolean(model.active?.deleted),
    isEnabled: () => Boolean(model.active?.deleted && !model.active.purged),
    execute: () => explained(trans, () => setDeleted(model, chosenOf(model), false))
  });
}

async function rename(model: HistoriesModel, trans: TranslationBundle): Promise<void> {
  const content = model.active;
  if (!content) {
    return;
  }
  const { value } = await InputDialog.getText({
    title: trans.__('Rename %1', content.hid),
    label: trans.__('Name'),
    text: content.name,
    okLabel: trans.__('Rename')
  });
  if (value?.trim() && value !== content.name) {
    await model.act(api => api.changeContent(content, { name: value.trim() }));
    await model.refresh();
  }
}

async function tag(model: HistoriesModel, trans: TranslationBundle): Promise<void> {
  const content = model.active;
  if (!content) {
    return;
  }
  const { value } = await InputDialog.getText({
    title: trans.__('Tags of %1', content.name),
    label: trans.__('Tags, with commas between'),
    text: content.tags.join(', '),
    okLabel: trans.__('Save')
  });
  if (typeof value === 'string') {
    const tags = [...new Set(value.split(',').map(one => one.trim()))].filter(Boolean);
    await model.act(api => api.changeContent(content, { tags }));
    await model.refresh();
  }
}

async function build(model: HistoriesModel, trans: TranslationBundle): Promise<void> {
  const parts = chosenOf(model).sort((one, other) => one.hid - other.hid);
  const history = model.current;
  const { value } = await InputDialog.getText({
    title: trans.__('A collection of %1 datasets', parts.length),
    label: trans.__('Name'),
    okLabel: trans.__('Make it')
  });
  if (history && value?.trim()) {
    const element_identifiers = parts.map(({ id, name }) => ({ src: 'hda' as const, id, name }));
    const collection = { collection_type: 'list', name: value.trim(), element_identifiers };
    await model.act(api => api.build(history.id, collection));
    await model.refresh();
  }
}

async function remove(model: HistoriesModel, trans: TranslationBundle): Promise<void> {
  const gone = chosenOf(model);
  await setDeleted(model, gone, true);
  const words =
    gone.length === 1
      ? trans.__('“%1” is deleted.', gone[0]?.name ?? '')
      : trans.__('%1 datasets are deleted.', gone.length);
  Notification.info(words, {
    autoClose: 8000,
    actions: [
      {
        label: trans.__('Bring back'),
        callback: () => void explained(trans, () => setDeleted(model, gone, false))
      }
    ]
  });
}

async function setDeleted(
  model: HistoriesModel,
  contents: IContent[],
  deleted: boolean
): Promise<void> {
  await model.act(api =>
    Promise.all(
      contents.map(content =>
        deleted ? api.deleteContent(content) : api.changeContent(content, { deleted: false })
      )
    )
  );
  model.choose(null, false);
  await model.refresh();
}
