import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, InputDialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import type { IPlatform } from '../tokens';
import type { IChosen } from '../uploads/chosen';
import { chooseFiles, chooseFolder } from '../uploads/chosen';
import type { UploadsModel } from '../uploads/model';
import { download } from './browser';
import { CommandIDs } from './commandIds';
import { explained } from './explained';
import type { HistoriesModel } from './model';
import type { HistoriesPanel } from './panel';
import { shareHistory } from './sharing';

const MOST_ELEMENTS = 20_000; // in a collection of the embedded server

interface IOptions {
  app: JupyterFrontEnd;
  model: HistoriesModel;
  uploads: UploadsModel;
  panel: HistoriesPanel;
  platform: IPlatform;
  trans: TranslationBundle;
}

/** What can be done with a history as a whole; in the menu of its name too. */
export function addHistoryCommands(options: IOptions): void {
  const { app, model, panel, platform, trans } = options;
  const { commands } = app;
  const there = (): boolean => model.current !== null;
  commands.addCommand(CommandIDs.show, {
    label: trans.__('Show Histories'),
    execute: () => app.shell.activateById(panel.id)
  });
  commands.addCommand(CommandIDs.refresh, {
    label: trans.__('Refresh Histories'),
    execute: () => model.refresh()
  });
  commands.addCommand(CommandIDs.create, {
    label: trans.__('New History…'),
    execute: () => explained(trans, () => create(model, trans))
  });
  commands.addCommand(CommandIDs.rename, {
    label: trans.__('Rename History…'),
    isEnabled: there,
    execute: () => explained(trans, () => rename(model, trans))
  });
  commands.addCommand(CommandIDs.remove, {
    label: trans.__('Delete History'),
    isEnabled: there,
    execute: () => explained(trans, () => remove(model, trans))
  });
  commands.addCommand(CommandIDs.undelete, {
    label: trans.__('Bring Back a Deleted History…'),
    execute: () => explained(trans, () => undelete(model, trans))
  });
  commands.addCommand(CommandIDs.share, {
    label: trans.__('Share History…'),
    isEnabled: there,
    execute: () =>
      explained(trans, async () => {
        if (model.current) {
          await shareHistory(model.current, model.api, trans);
          platform.announceChange();
        }
      })
  });
  addFileCommands(options);
  const selector = '.pj-Picker-button';
  const { rename: renaming, remove: removing, undelete: undeleting, archive, share } = CommandIDs;
  [renaming, share, archive, removing, undeleting].forEach((command, rank) =>
    app.contextMenu.addItem({ command, selector, rank })
  );
}

function addFileCommands({ app, model, uploads, panel, platform, trans }: IOptions): void {
  app.commands.addCommand(CommandIDs.archive, {
    label: trans.__('Download History (RO-Crate)'),
    isEnabled: () => model.current !== null,
    execute: () => explained(trans, () => archive(model, platform))
  });
  app.commands.addCommand(CommandIDs.upload, {
    label: trans.__('Upload Files to the History…'),
    execute: args =>
      explained(trans, async () => {
        app.shell.activateById(panel.id);
        await send({ model, uploads, trans }, chosenIn(args) ?? (await chooseFiles()));
      })
  });
  app.commands.addCommand(CommandIDs.uploadFolder, {
    label: trans.__('Upload a Folder to the History…'),
    caption: trans.__('Its files become a collection'),
    execute: () =>
      explained(trans, async () => {
        app.shell.activateById(panel.id);
        const folder = await chooseFolder();
        await send({ model, uploads, trans }, { files: [], folders: folder ? [folder] : [] });
      })
  });
}

function chosenIn(args: ReadonlyPartialJSONObject): IChosen | null {
  return (args.chosen as IChosen | undefined) ?? null;
}

async function send(
  { model, uploads, trans }: Pick<IOptions, 'model' | 'uploads' | 'trans'>,
  chosen: IChosen
): Promise<void> {
  for (const { name, files, hidden } of chosen.folders) {
    if (files.length === 0) {
      Notification.info(nothingIn(name, hidden, trans), { autoClose: 8000 });
    } else if (files.length > MOST_ELEMENTS) {
      Notification.error(tooMany(name, files.length, trans), { autoClose: false });
    }
  }
  const folders = chosen.folders.filter(
    ({ files }) => files.length > 0 && files.length <= MOST_ELEMENTS
  );
  if (folders.length + chosen.files.length > 0) {
    await uploads.add({ files: chosen.files, folders }, await currentHistory(model, trans));
  }
}

function nothingIn(name: string, hidden: number, trans: TranslationBundle): string {
  return hidden > 0
    ? trans.__('“%1” holds hidden files only: these are left out.', name)
    : trans.__('“%1” holds no file.', name);
}

function tooMany(name: string, count: number, trans: TranslationBundle): string {
  return trans.__(
    '“%1” holds %2 files, and a collection may have %3. Make an archive of it, or choose its folders one by one.',
    name,
    count.toLocaleString(),
    MOST_ELEMENTS.toLocaleString()
  );
}

/** The history on show; where there is none yet, a first one. */
export async function currentHistory(
  model: HistoriesModel,
  trans: TranslationBundle
): Promise<string> {
  if (model.current) {
    return model.current.id;
  }
  const made = await model.act(api => api.create(trans.__('My data')));
  await model.open(made.id);
  return made.id;
}

async function create(model: HistoriesModel, trans: TranslationBundle): Promise<void> {
  const { value } = await InputDialog.getText({
    title: trans.__('New history'),
    label: trans.__('Name'),
    okLabel: trans.__('Make it')
  });
  if (value?.trim()) {
    const made = await model.act(api => api.create(value.trim()));
    await model.open(made.id);
    await model.refresh();
  }
}

async function rename(model: HistoriesModel, trans: TranslationBundle): Promise<void> {
  const history = model.current;
  if (!history) {
    return;
  }
  const { value } = await InputDialog.getText({
    title: trans.__('Rename history'),
    label: trans.__('Name'),
    text: history.name,
    okLabel: trans.__('Rename')
  });
  if (value?.trim() && value !== history.name) {
    await model.act(api => api.change(history.id, { name: value.trim() }));
    await model.refresh();
  }
}

async function remove(model: HistoriesModel, trans: TranslationBundle): Promise<void> {
  const history = model.current;
  if (!history) {
    return;
  }
  const answer = await showDialog({
    title: trans.__('Delete “%1”?', history.name),
    body: trans.__('It can be brought back until its data are purged.'),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Keep it') }),
      Dialog.warnButton({ label: trans.__('Delete') })
    ]
  });
  if (answer.button.accept) {
    await model.act(api => api.delete(history.id));
    model.current = null;
    await model.refresh();
  }
}

async function undelete(model: HistoriesModel, trans: TranslationBundle): Promise<void> {
  const deleted = (await model.api.listDeleted()).filter(one => !one.purged);
  if (deleted.length === 0) {
    await showDialog({
      title: trans.__('No deleted history'),
      body: trans.__('There is none that could be brought back.'),
      buttons: [Dialog.okButton()]
    });
    return;
  }
  const names = deleted.map((one, index) => `${index + 1}: ${one.name}`);
  const { value } = await InputDialog.getItem({
    title: trans.__('Bring back a history'),
    label: trans.__('History'),
    items: names,
    okLabel: trans.__('Bring it back')
  });
  const chosen = deleted[names.indexOf(value ?? '')];
  if (chosen) {
    await model.act(api => api.undelete(chosen.id));
    await model.open(chosen.id);
    await model.refresh();
  }
}

async function archive(model: HistoriesModel, platform: IPlatform): Promise<void> {
  const history = model.current;
  if (history) {
    const { storage_request_id } = await platform.galaxy<{ storage_request_id: string }>(
      `api/histories/${history.id}/prepare_store_download`,
      { method: 'POST', body: { model_store_format: 'rocrate.zip' } }
    );
    const ready = `api/short_term_storage/${storage_request_id}/ready`;
    while (!(await platform.galaxy<boolean>(ready))) {
      await new Promise(resolve => setTimeout(resolve, 2000));
    }
    download(platform.galaxyUrl(`api/short_term_storage/${storage_request_id}`));
  }
}
