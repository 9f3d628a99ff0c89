import type { CommandRegistry } from '@lumino/commands';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import React from 'react';
import { SHOW_JOBS } from '../jobs/commands';
import { rules } from './paint';
import type { INode, Run } from './run';

const HIGHEST = 170; // pixels

/** Above the drawing: how the run stands, and each node with a way to its job. */
export class Strip extends ReactWidget {
  constructor(
    private readonly run: Run,
    private readonly commands: CommandRegistry,
    private readonly trans: TranslationBundle,
    private readonly scope: string
  ) {
    super();
    this.addClass('pj-pipeline-strip');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Remote run'));
  }

  protected override render(): React.JSX.Element {
    const { run, commands, trans, scope } = this;
    return (
      <UseSignal signal={run.changed}>
        {() => (
          <div ref={this.measured}>
            <style>{rules(scope, run.nodes)}</style>
            <p role="status">{words(run, trans)}</p>
            {run.trouble && <p role="alert">{run.trouble}</p>}
            <ul>
              {run.nodes.map(node => (
                <li key={node.key}>
                  <NodeButton node={node} commands={commands} />
                </li>
              ))}
            </ul>
          </div>
        )}
      </UseSignal>
    );
  }

  /** As high as what it holds, within bounds: the layout asks for a minimum only. */
  private readonly measured = (content: HTMLDivElement | null): void => {
    this.observer?.disconnect();
    this.observer = null;
    if (content) {
      this.observer = new ResizeObserver(() => {
        this.node.style.minHeight = `${Math.min(content.offsetHeight + 10, HIGHEST)}px`;
        this.parent?.fit();
      });
      this.observer.observe(content);
    }
  };

  private observer: ResizeObserver | null = null;

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.run.visible = true;
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.run.visible = this.isVisible;
  }

  protected override onBeforeHide(message: Message): void {
    this.run.visible = false;
    super.onBeforeHide(message);
  }

  protected override onBeforeDetach(message: Message): void {
    this.run.visible = false;
    super.onBeforeDetach(message);
  }
}

interface INodeButtonProps {
  node: INode;
  commands: CommandRegistry;
}

function NodeButton({ node, commands }: INodeButtonProps): React.JSX.Element {
  const { job } = node;
  return (
    <button
      className={`pj-node pj-node-${node.state}`}
      disabled={job === null}
      title={node.text}
      onClick={() => void (job !== null && commands.execute(SHOW_JOBS, { id: job }))}
    >
      <strong>{node.label}</strong> <span>{node.text}</span>
    </button>
  );
}

function words(run: Run, trans: TranslationBundle): string {
  if (run.busy) {
    return trans.__('Sending…');
  }
  const done = run.nodes.filter(node => node.state === 'ok').length;
  const count = trans.__('%1 of %2 nodes are done', done, run.nodes.length);
  switch (run.state) {
    case 'running':
      return trans.__('Runs remotely: %1.', count);
    case 'ok':
      return trans.__('The remote run is done.');
    case 'error':
      return trans.__('Stopped: %1. Mend it, save it, then run on.', count);
    case 'deleted':
      return trans.__('The remote run was cancelled: %1.', count);
    default:
      return trans.__('Not run remotely yet.');
  }
}
