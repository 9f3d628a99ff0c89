import { MainAreaWidget } from '@jupyterlab/apputils';
import type { ICellModel, ICodeCellModel } from '@jupyterlab/cells';
import type { IEditorServices } from '@jupyterlab/codeeditor';
import type * as nbformat from '@jupyterlab/nbformat';
import { NotebookModel, StaticNotebook, type NotebookPanel } from '@jupyterlab/notebook';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { ITranslator } from '@jupyterlab/translation';
import { notebookIcon } from '@jupyterlab/ui-components';
import { Throttler } from '@lumino/polling';
import { Widget } from '@lumino/widgets';
import type { Message } from '@lumino/messaging';
import { inWords } from '../platform/errors';
import type { IFollower, IPlatform, IWatchedJob } from '../tokens';
import { isFinal } from './types';

const AT_LEAST = 2000; // milliseconds between two looks at a growing notebook

export interface IExecutedOptions {
  platform: IPlatform;
  rendermime: IRenderMimeRegistry;
  contentFactory: NotebookPanel.IContentFactory;
  editorServices: IEditorServices;
  translator: ITranslator;
  job: { id: string; name: string; ended: boolean };
}

interface ICode {
  cell_type: string;
  source: nbformat.MultilineString;
  outputs?: nbformat.IOutput[];
  execution_count?: number | null;
}

/** The executed notebook of a job, to read. It renews itself while it is visible and the job runs. */
export class ExecutedNotebook extends MainAreaWidget<StaticNotebook> {
  constructor(private readonly options: IExecutedOptions) {
    super({ content: viewer(options) });
    const { job, translator } = options;
    const trans = translator.load('perijove');
    this.ended = job.ended;
    this.id = `perijove-executed-${job.id}`;
    this.addClass('pj-Executed');
    this.title.label = trans.__('%1 (executed)', job.name);
    this.title.icon = notebookIcon;
    this.title.closable = true;
    this.note.node.setAttribute('role', 'status');
    this.note.addClass('pj-Executed-note');
    this.toolbar.addItem('note', this.note);
    options.platform.watched.connect(this.onWatched);
    void this.renew();
  }

  override dispose(): void {
    this.options.platform.watched.disconnect(this.onWatched);
    this.follower?.dispose();
    super.dispose();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    if (!this.ended) {
      this.follower = this.options.platform.follow();
      this.follower.watch([this.options.job.id]);
    }
  }

  protected override onBeforeHide(message: Message): void {
    this.follower?.dispose();
    this.follower = null;
    super.onBeforeHide(message);
  }

  private readonly onWatched = (_: IPlatform, jobs: readonly IWatchedJob[]): void => {
    const job = jobs.find(one => one.id === this.options.job.id);
    if (job === undefined || this.ended) {
      return;
    }
    this.ended = isFinal(job.state);
    if (job.notebook !== this.version || this.ended) {
      this.version = job.notebook;
      void this.renewal.invoke();
    }
    if (this.ended) {
      this.follower?.dispose();
      this.follower = null;
    }
  };

  private async renew(): Promise<void> {
    const { platform, job, translator } = this.options;
    const trans = translator.load('perijove');
    try {
      const path = `jobs/${job.id}/notebook`;
      const { notebook } = await platform.door<{ notebook: nbformat.INotebookContent }>(path);
      if (!this.isDisposed) {
        show(this.content, notebook);
        this.note.node.textContent = this.ended
          ? trans.__('As the job left it. To read, not to run.')
          : trans.__('Renews itself while the job runs. To read, not to run.');
      }
    } catch (error) {
      this.note.node.textContent = inWords(error);
    }
  }

  private ended: boolean;
  private readonly note = new Widget();
  private readonly renewal = new Throttler(() => this.renew(), { limit: AT_LEAST });
  private follower: IFollower | null = null;
  private version = 0;
}

function viewer(options: IExecutedOptions): StaticNotebook {
  const content = new StaticNotebook({
    rendermime: options.rendermime,
    contentFactory: options.contentFactory,
    mimeTypeService: options.editorServices.mimeTypeService,
    translator: options.translator,
    notebookConfig: { ...StaticNotebook.defaultNotebookConfig, windowingMode: 'none' }
  });
  content.model = new NotebookModel();
  return content;
}

/** Show `notebook`; where only outputs have come, what is shown stays in its place. */
function show(viewer: StaticNotebook, notebook: nbformat.INotebookContent): void {
  const { model } = viewer;
  if (model === null) {
    return;
  }
  const cells = notebook.cells as unknown as ICode[];
  const same =
    cells.length === model.cells.length &&
    cells.every((cell, index) => text(cell.source) === model.cells.get(index).sharedModel.source);
  if (!same) {
    model.fromJSON({ ...notebook, cells: notebook.cells.map(readOnly) });
    return;
  }
  cells.forEach((cell, index) => {
    const shown = model.cells.get(index);
    if (cell.cell_type === 'code' && isCode(shown)) {
      if (JSON.stringify(shown.outputs.toJSON()) !== JSON.stringify(cell.outputs)) {
        shown.outputs.fromJSON(cell.outputs ?? []);
      }
      shown.executionCount = cell.execution_count ?? null;
    }
  });
}

function readOnly(cell: nbformat.ICell): nbformat.ICell {
  return { ...cell, metadata: { ...cell.metadata, editable: false, deletable: false } };
}

function text(source: nbformat.MultilineString): string {
  return Array.isArray(source) ? source.join('') : source;
}

function isCode(cell: ICellModel): cell is ICodeCellModel {
  return cell.type === 'code';
}
