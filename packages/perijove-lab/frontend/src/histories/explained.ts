import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { inWords } from '../platform/errors';

const LONG = 700; // milliseconds

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

/** Do what may take long: it is said once it does, and what came of it when it is done. */
export async function told<T>(
  doing: string,
  action: () => Promise<T>,
  done: (result: T) => string
): Promise<void> {
  let shown = '';
  const timer = setTimeout(() => {
    shown = Notification.emit(doing, 'in-progress', { autoClose: false });
  }, LONG);
  try {
    Notification.success(done(await action()), { autoClose: 5000 });
  } finally {
    clearTimeout(timer);
    if (shown) {
      Notification.dismiss(shown);
    }
  }
}
