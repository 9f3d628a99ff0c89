import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ITranslator } from '@jupyterlab/translation';
import { IPlatform } from '../tokens';
import { HistoriesPanel } from './panel';

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'perijove-lab:histories',
  description: 'Histories and their datasets, in a panel beside the notebook.',
  autoStart: true,
  requires: [IPlatform, ITranslator],
  activate: (app: JupyterFrontEnd, platform: IPlatform, translator: ITranslator) => {
    const panel = new HistoriesPanel(platform, translator.load('perijove'));
    app.shell.add(panel, 'left', { rank: 150, type: 'Perijove' });
  }
};

export default plugin;
