import type { JupyterFrontEnd } from '@jupyterlab/application';
import { PageConfig, PathExt, URLExt } from '@jupyterlab/coreutils';
import { ABCWidgetFactory, type DocumentRegistry, DocumentWidget } from '@jupyterlab/docregistry';
import { type Contents, RestContentProvider } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IFrame } from '@jupyterlab/apputils';
import type { IPlatform } from '../tokens';
import { pageFrame } from './frame';
import { modelIcon } from './icons';

const FILE_TYPE = 'perijove-model';
const UNREAD = 'perijove-unread';
const EXTENSIONS = ['.onnx', '.tflite', '.keras', '.safetensors'];

/** Models open in Netron, which the lab serves itself. */
export function addModels(
  app: JupyterFrontEnd,
  drive: Contents.IDrive,
  platform: IPlatform,
  trans: TranslationBundle
): void {
  drive.contentProviderRegistry?.register(
    UNREAD,
    new UnreadContents({
      apiEndpoint: 'api/contents',
      serverSettings: app.serviceManager.serverSettings
    })
  );
  app.docRegistry.addFileType({
    name: FILE_TYPE,
    displayName: trans.__('Model'),
    extensions: EXTENSIONS,
    mimeTypes: ['application/octet-stream'],
    fileFormat: 'base64',
    icon: modelIcon
  });
  const factory = new ModelFactory(platform, {
    name: 'perijove-netron',
    label: trans.__('Netron'),
    fileTypes: [FILE_TYPE],
    defaultFor: [FILE_TYPE],
    modelName: 'base64',
    readOnly: true,
    contentProviderId: UNREAD
  });
  app.docRegistry.addWidgetFactory(factory as DocumentRegistry.WidgetFactory);
}

/** Files whose content a browser fetches by itself: a document needs to know only that they are there. */
class UnreadContents extends RestContentProvider {
  override async get(path: string, options?: Contents.IFetchOptions): Promise<Contents.IModel> {
    const model = await super.get(path, { ...options, content: false });
    return { ...model, content: '', format: 'base64' };
  }
}

function mark(platform: IPlatform): string {
  const token = platform.headers['X-XSRFToken'];
  return token === undefined ? '' : `?_xsrf=${token}`;
}

class ModelFactory extends ABCWidgetFactory<DocumentWidget<IFrame>> {
  constructor(
    private readonly _platform: IPlatform,
    options: DocumentRegistry.IWidgetFactoryOptions<DocumentWidget<IFrame>>
  ) {
    super(options);
  }

  protected createNewWidget(context: DocumentRegistry.Context): DocumentWidget<IFrame> {
    const content = pageFrame(context.path, '');
    content.title.icon = modelIcon;
    const widget = new DocumentWidget({ content, context });
    void context.ready.then(() => {
      const path = context.localPath;
      const base = PageConfig.getBaseUrl();
      const file = URLExt.join(base, 'files', URLExt.encodeParts(path));
      const query = URLExt.objectToQueryString({
        // A hub lets files be read with the reader's own mark only.
        url: new URL(file + mark(this._platform), window.location.href).href,
        identifier: PathExt.basename(path)
      });
      content.url = URLExt.join(base, 'perijove/dashboards/netron/') + query;
    });
    return widget;
  }
}
