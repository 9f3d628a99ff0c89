import histories from './histories/plugin';
import platform from './platform/plugin';

export default [platform, histories];
