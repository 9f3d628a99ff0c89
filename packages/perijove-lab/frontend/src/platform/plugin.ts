import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IPlatform } from '../tokens';
import { Platform } from './platform';

const plugin: JupyterFrontEndPlugin<IPlatform> = {
  id: 'perijove-lab:platform',
  description: 'The way to histories and jobs through the lab’s server.',
  autoStart: true,
  provides: IPlatform,
  activate: (app: JupyterFrontEnd) => new Platform(app.serviceManager.serverSettings)
};

export default plugin;
