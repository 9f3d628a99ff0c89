import type { TranslationBundle } from '@jupyterlab/translation';

type Words = Record<string, string>;

/** What people call the state of a job. */
export function jobState(state: string, trans: TranslationBundle): string {
  const words: Words = {
    ...underWay(trans),
    new: trans.__('new'),
    ok: trans.__('done'),
    error: trans.__('failed'),
    deleted: trans.__('cancelled'),
    deleting: trans.__('being cancelled')
  };
  return words[state] ?? state;
}

/** What people call the state of a dataset. */
export function datasetState(state: string, trans: TranslationBundle): string {
  const words: Words = {
    ...underWay(trans),
    new: trans.__('waiting'),
    upload: trans.__('being uploaded'),
    setting_metadata: trans.__('being read'),
    empty: trans.__('empty'),
    error: trans.__('error'),
    failed_metadata: trans.__('cannot be read'),
    discarded: trans.__('discarded'),
    deleted: trans.__('deleted'),
    purged: trans.__('gone for good')
  };
  return words[state] ?? state;
}

/** A dataset waits and runs with the job that makes it. */
function underWay(trans: TranslationBundle): Words {
  return {
    queued: trans.__('queued'),
    running: trans.__('running'),
    paused: trans.__('paused')
  };
}
