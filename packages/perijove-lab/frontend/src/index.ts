import dashboards from './dashboards/plugin';
import histories from './histories/plugin';
import executedNotebooks from './jobs/executedPlugin';
import jobs from './jobs/plugin';
import pipelines from './pipelines/plugin';
import platform from './platform/plugin';
import run from './run/plugin';
import saving from './saving/plugin';
import share from './share/plugin';
import structures from './structures/plugin';

export default [
  platform,
  dashboards,
  histories,
  jobs,
  executedNotebooks,
  pipelines,
  run,
  saving,
  share,
  structures
];
