import histories from './histories/plugin';
import jobs from './jobs/plugin';
import platform from './platform/plugin';

export default [platform, histories, jobs];
