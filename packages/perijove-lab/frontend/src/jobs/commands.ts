/** Open the panel of jobs; with `id`, that job. */
export const SHOW_JOBS = 'perijove:show-jobs';

/** Open the executed notebook of the job `id`, called `name`; `ended`: it changes no more. */
export const SHOW_NOTEBOOK = 'perijove:show-executed-notebook';

/** The panel of histories has this one: `history_id`, `dataset_id`. */
export const SHOW_DATASET = 'perijove:show-dataset';

/** What the job `id`, called `name`, writes for TensorBoard; without `id` the open job, else the newest. */
export const SHOW_TENSORBOARD = 'perijove:job-tensorboard';
