/** Open the panel of jobs; with `id`, that job. */
export const SHOW_JOBS = 'perijove:show-jobs';
