import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';
import { datasetState } from '../platform/states';
import { formatSize } from './format';
import type { IContent } from './galaxy';
import { rowId } from './virtualList';

export const ROW_HEIGHT = 46;

interface IProps {
  index: number;
  length: number;
  content: IContent | undefined;
  active: boolean;
  chosen: boolean;
  trans: TranslationBundle;
  onChoose: (content: IContent, more: boolean) => void;
  onOpen: (content: IContent) => void;
  onDrag: (content: IContent, event: React.DragEvent) => void;
}

/** One dataset or collection: its number and name, and below what it is. */
export function ContentRow(props: IProps): React.JSX.Element {
  const { index, length, content, trans } = props;
  const place = { id: rowId(index), 'aria-posinset': index + 1, 'aria-setsize': length };
  if (!content) {
    return (
      <div {...place} role="option" aria-selected={false} className="pj-Row pj-mod-waiting">
        {trans.__('…')}
      </div>
    );
  }
  const state = stateOf(content);
  const classes = ['pj-Row', `pj-state-${state}`];
  return (
    <div
      {...place}
      role="option"
      className={[...classes, ...(props.active ? ['pj-mod-active'] : [])].join(' ')}
      aria-selected={props.chosen}
      data-id={content.id}
      draggable={state === 'ok'}
      onDragStart={event => props.onDrag(content, event)}
      onClick={event => props.onChoose(content, event.ctrlKey || event.metaKey)}
      onContextMenu={() => props.chosen || props.onChoose(content, false)}
      onDoubleClick={() => props.onOpen(content)}
      title={`${content.hid}: ${content.name} (${datasetState(state, trans)})`}
    >
      <span className="pj-Row-name">
        <span className="pj-Row-state" aria-hidden="true" />
        {content.hid}: {content.name}
      </span>
      <span className="pj-Row-facts">
        <span>{kindOf(content, trans)}</span>
        {state === 'ok' ? null : <span>{datasetState(state, trans)}</span>}
        {content.tags.map(tag => (
          <span className="pj-Tag" key={tag}>
            {tag}
          </span>
        ))}
      </span>
    </div>
  );
}

/** A dataset's state, or the one of a collection as a whole. */
export function stateOf(content: IContent): string {
  if (content.deleted) {
    return content.purged ? 'purged' : 'deleted';
  }
  return content.state ?? content.populated_state ?? 'ok';
}

function kindOf(content: IContent, trans: TranslationBundle): string {
  if (content.history_content_type === 'dataset_collection') {
    const count = content.element_count ?? 0;
    const size = trans._n('%1 element', '%1 elements', count);
    return `${content.collection_type ?? ''} · ${size}`;
  }
  const size = content.file_size === undefined ? '' : ` · ${formatSize(content.file_size)}`;
  return `${content.extension ?? ''}${size}`;
}
