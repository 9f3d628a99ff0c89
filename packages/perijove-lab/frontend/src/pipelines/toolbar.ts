import type { DocumentRegistry, DocumentWidget } from '@jupyterlab/docregistry';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ToolbarButton } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import { DisposableDelegate, type IDisposable } from '@lumino/disposable';
import type { IPlatform } from '../tokens';
import { Run } from './run';
import { Strip } from './strip';

/** Gives each open pipeline its buttons and the strip above its drawing. */
export class RunTools implements DocumentRegistry.WidgetExtension {
  constructor(
    private readonly platform: IPlatform,
    private readonly commands: CommandRegistry,
    private readonly trans: TranslationBundle
  ) {}

  /** The run of the pipeline that is open in `widget`. */
  runOf(widget: object | null): Run | null {
    return (widget && this.runs.get(widget)) ?? null;
  }

  createNew(widget: DocumentWidget, context: DocumentRegistry.Context): IDisposable {
    const run = new Run(this.platform, () => context.localPath);
    this.runs.set(widget, run);
    const place = `pipeline-${++this.count}`;
    widget.node.dataset.pjPlace = place;
    const strip = new Strip(run, this.commands, this.trans, `[data-pj-place="${place}"]`);
    widget.contentHeader.addWidget(strip);
    const send = async (rerun: boolean): Promise<void> => {
      if (context.model.dirty) {
        await context.save();
      }
      await run.start(rerun);
    };
    this.addButtons(widget, run, send);
    return new DisposableDelegate(() => {
      run.dispose();
      strip.dispose();
    });
  }

  private addButtons(
    widget: DocumentWidget,
    run: Run,
    send: (rerun: boolean) => Promise<void>
  ): void {
    const { trans } = this;
    const buttons = [
      {
        name: 'perijove-run',
        label: trans.__('Run remotely'),
        tooltip: trans.__('Each node becomes a job on the server'),
        onClick: () => void send(false),
        able: () => run.state !== 'running'
      },
      {
        name: 'perijove-rerun',
        label: trans.__('Run on'),
        tooltip: trans.__('Without the nodes that are done and have not changed'),
        onClick: () => void send(true),
        able: () => run.state === 'error' || run.state === 'deleted'
      },
      {
        name: 'perijove-cancel',
        label: trans.__('Cancel'),
        tooltip: trans.__('End what has not ended'),
        onClick: () => void run.cancel(),
        able: () => run.state === 'running'
      }
    ];
    for (const { name, able, ...options } of buttons) {
      const button = new ToolbarButton({ ...options, enabled: able() });
      run.changed.connect(() => {
        button.enabled = able() && !run.busy;
      });
      widget.toolbar.addItem(name, button);
    }
  }

  private count = 0;
  private readonly runs = new WeakMap<object, Run>();
}
