import type { INode } from './run';

const COLOURS: Record<string, string> = {
  new: 'var(--jp-layout-color3)',
  queued: 'var(--jp-layout-color4)',
  running: 'var(--jp-info-color1)',
  paused: 'var(--jp-warn-color1)',
  ok: 'var(--jp-success-color1)',
  error: 'var(--jp-error-color1)',
  deleted: 'var(--jp-error-color3)'
};

/**
 * Rules that draw each node of the editor’s canvas in the colour of its state. The canvas names its nodes by
 * `data-id`; rules stay whatever it draws anew, and nothing of it is changed.
 */
export function rules(scope: string, nodes: readonly INode[]): string {
  return nodes.map(node => rule(scope, node)).join('\n');
}

function rule(scope: string, node: INode): string {
  const place = `${scope} [data-id$="_${CSS.escape(node.key)}"] .d3-node-body-outline`;
  const colour = COLOURS[node.state] ?? 'transparent';
  const dashed = node.state === 'paused' || node.state === 'new' ? '5 3' : 'none';
  return `${place} { stroke: ${colour}; stroke-width: 3px; stroke-dasharray: ${dashed}; }`;
}
