import type { JupyterFrontEnd } from '@jupyterlab/application';
import { showErrorMessage } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { inWords } from '../platform/errors';
import type { IPlatform } from '../tokens';
import { showPage } from './frame';
import { tensorboardIcon } from './icons';

// TensorBoard keeps what its user has set under this name.
const SETTINGS = '_tb_global_settings';
const RENEWED_EVERY = 15_000; // milliseconds: its shortest

/** What TensorBoard is to show: a folder of the lab, or what a job writes. */
export interface ILogs {
  body: { path: string } | { job: string };
  id: string;
  name: string;
}

/** Start TensorBoard and show it in a tab; what goes wrong is told. */
export async function showTensorBoard(
  app: JupyterFrontEnd,
  platform: IPlatform,
  trans: TranslationBundle,
  logs: ILogs
): Promise<void> {
  try {
    const { url } = await platform.door<{ url: string }>('dashboards/tensorboard', {
      method: 'POST',
      body: logs.body
    });
    renewByItself(window.localStorage);
    showPage(app, {
      id: `perijove-tensorboard-${logs.id}`,
      title: trans.__('TensorBoard: %1', logs.name),
      url,
      icon: tensorboardIcon
    });
  } catch (error) {
    await showErrorMessage(trans.__('That could not be shown'), inWords(error));
  }
}

/** Curves grow without a press on a button, unless the user has set that otherwise. */
function renewByItself(storage: Storage): void {
  const known = parsed(storage.getItem(SETTINGS));
  if (known.autoReload === undefined) {
    const ours = { ...known, autoReload: true, autoReloadPeriodInMs: RENEWED_EVERY };
    storage.setItem(SETTINGS, JSON.stringify(ours));
  }
}

function parsed(text: string | null): Record<string, unknown> {
  try {
    return (JSON.parse(text ?? '{}') ?? {}) as Record<string, unknown>;
  } catch {
    return {};
  }
}
