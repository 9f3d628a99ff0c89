import { ILayoutRestorer, type JupyterFrontEnd } from '@jupyterlab/application';
import { ABCWidgetFactory, DocumentWidget, type DocumentRegistry } from '@jupyterlab/docregistry';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import { pipelineIcon } from './icons';
import { isKept, loadKept } from './onDemand';

/** The name under which Elyra's editor opens files. */
export const EDITOR = 'Pipeline Editor';
const ELYRA = '@elyra/';
const PATIENCE = 60_000; // milliseconds

/** Elyra's pipeline editor, loaded when a pipeline is first opened. */
export class Editor {
  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly trans: TranslationBundle
  ) {}

  get installed(): boolean {
    return isKept(ELYRA);
  }

  /** Open `.pipeline` files; the first one loads the editor. */
  standIn(): void {
    const registry = this.app.docRegistry;
    const type = registry.addFileType({
      name: 'perijove-pipeline',
      displayName: this.trans.__('Pipeline'),
      extensions: ['.pipeline'],
      mimeTypes: ['application/json'],
      icon: pipelineIcon
    });
    const standIn = new StandIn(this.trans.__('Loading the pipeline editor…'), (path, widget) => {
      void this.replace(path, widget);
    });
    const factory = registry.addWidgetFactory(standIn as DocumentRegistry.WidgetFactory);
    this.stepAside = () => {
      factory.dispose();
      type.dispose();
    };
  }

  /** The editor, ready to open files. */
  ready(): Promise<void> {
    this.loading ??= this.load();
    return this.loading;
  }

  private async replace(path: string, widget: DocumentWidget): Promise<void> {
    try {
      await this.ready();
      const options = { ref: widget.id, mode: 'tab-after' };
      await this.app.commands.execute('docmanager:open', { path, factory: EDITOR, options });
      widget.close();
    } catch (error) {
      widget.content.node.textContent = this.trans.__(
        'The pipeline editor could not be loaded: %1 Close this tab, and open the file again.',
        String(error)
      );
    }
  }

  private async load(): Promise<void> {
    try {
      const plugins = await loadKept(ELYRA);
      for (const plugin of plugins) {
        this.app.registerPlugin(withoutRestoring(plugin));
      }
      this.stepAside();
      await Promise.all(plugins.map(plugin => this.app.activatePlugin(plugin.id)));
      await this.known();
      this.withoutSidebars();
    } catch (error) {
      this.loading = null;
      throw error;
    }
  }

  /** Elyra makes its editor known a moment after it says that it is ready. */
  private async known(): Promise<void> {
    const registry = this.app.docRegistry;
    const deadline = Date.now() + PATIENCE;
    while (!registry.getWidgetFactory(EDITOR)) {
      if (Date.now() > deadline) {
        throw new Error(this.trans.__('it does not answer.'));
      }
      await new Promise(resolve => setTimeout(resolve, 50));
    }
  }

  /** Panels for runtimes, images and catalogs: there is one runtime here, and one image. */
  private withoutSidebars(): void {
    for (const widget of [...this.app.shell.widgets('left')]) {
      if (widget.id.startsWith('elyra-metadata:')) {
        widget.dispose();
      }
    }
  }

  private loading: Promise<void> | null = null;
  private stepAside: () => void = () => undefined;
}

type Plugin = Awaited<ReturnType<typeof loadKept>>[number];

/** The layout of the page is restored before the editor is there: it has nothing more to restore. */
function withoutRestoring(plugin: Plugin): Plugin {
  const quiet = { restore: () => Promise.resolve(), add: () => undefined };
  const asked = [...(plugin.requires ?? []), ...(plugin.optional ?? [])];
  return {
    ...plugin,
    activate: (app, ...services: unknown[]): unknown =>
      plugin.activate(
        app,
        ...services.map((service, index) => (asked[index] === ILayoutRestorer ? quiet : service))
      )
  };
}

/** Stands in a tab until the editor is there. */
class StandIn extends ABCWidgetFactory<DocumentWidget> {
  constructor(
    private readonly words: string,
    private readonly opened: (path: string, widget: DocumentWidget) => void
  ) {
    super({
      name: 'perijove-pipeline',
      fileTypes: ['perijove-pipeline'],
      defaultFor: ['perijove-pipeline']
    });
  }

  protected override createNewWidget(context: DocumentRegistry.Context): DocumentWidget {
    const content = new Widget();
    content.addClass('pj-pipeline-loading');
    content.node.setAttribute('role', 'status');
    content.node.textContent = this.words;
    const widget = new DocumentWidget({ content, context });
    this.opened(context.path, widget);
    return widget;
  }
}
