import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, InputDialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import type { IPlatform } from '../tokens';
import { download } from './browser';
import { CommandIDs } from './commandIds';
import { explained } from './explained';
import type { HistoriesModel } from './model';
import type { HistoriesPanel } from './panel';
import { shareHistory } from './sharing';
import type { UploadsModel } from './uploads';

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
        const files = filesOf(args) ?? (await chosenFiles());
        if (files.length) {
          uploads.add(files, await currentHistory(model, trans));
        }
      })
  });
}

function filesOf(args: ReadonlyPartialJSONObject): File[] | null {
  const given = args.files as unknown;
  return Array.isArray(given) ? (given as File[]) : null;
}

/** The browser's own file dialog. */
function chosenFiles(): Promise<File[]> {
  return new Promise(resolve => {
    const input = document.createElement('input');
    input.type = 'file';
    input.multiple = true;
    input.addEventListener('change', () => resolve([...(input.files ?? [])]));
    input.addEventListener('cancel', () => resolve([]));
    input.click();
  });
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
