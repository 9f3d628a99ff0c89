import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { inWords } from '../platform/errors';

/** Do `action`; what goes wrong is said in a notification, and stays in the notifications' list. */
export async function explained(
  trans: TranslationBundle,
  action: () => Promise<void>
): Promise<void> {
  try {
    await action();
  } catch (error) {
    Notification.error(inWords(error) || trans.__('That did not work.'), { autoClose: 8000 });
  }
}
