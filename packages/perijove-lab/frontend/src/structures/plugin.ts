import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { type DocumentRegistry, MimeDocumentFactory } from '@jupyterlab/docregistry';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator } from '@jupyterlab/translation';
import { MIME_TYPE, StructureView } from './viewer';

const FILE_TYPE = 'pdb';

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'perijove-lab:structures',
  description: 'Structures of molecules (PDB), in notebooks and as files.',
  autoStart: true,
  requires: [IRenderMimeRegistry, ITranslator],
  activate: (app: JupyterFrontEnd, rendermime: IRenderMimeRegistry, translator: ITranslator) => {
    const trans = translator.load('perijove');
    // Safe: what is shown is drawn from numbers; nothing of the file is run or put into the page.
    rendermime.addFactory(
      { safe: true, mimeTypes: [MIME_TYPE], createRenderer: () => new StructureView(trans) },
      0
    );
    const fileType: DocumentRegistry.IFileType = {
      name: FILE_TYPE,
      displayName: trans.__('Structure'),
      extensions: ['.pdb', '.ent'],
      mimeTypes: [MIME_TYPE],
      contentType: 'file',
      fileFormat: 'text'
    };
    app.docRegistry.addFileType(fileType);
    const factory = new MimeDocumentFactory({
      name: 'structure',
      label: trans.__('Structure'),
      fileTypes: [FILE_TYPE],
      defaultFor: [FILE_TYPE],
      modelName: 'text',
      primaryFileType: fileType,
      rendermime
    });
    app.docRegistry.addWidgetFactory(factory as DocumentRegistry.WidgetFactory);
  }
};

export default plugin;
