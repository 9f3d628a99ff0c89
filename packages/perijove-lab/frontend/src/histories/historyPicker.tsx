import type { TranslationBundle } from '@jupyterlab/translation';
import { caretDownIcon } from '@jupyterlab/ui-components';
import React, { useId, useMemo, useState } from 'react';
import { formatSize } from './format';
import type { IHistory, IHistoryDetail } from './galaxy';

interface IProps {
  histories: IHistory[];
  current: IHistoryDetail | null;
  trans: TranslationBundle;
  onOpen: (id: string) => void;
}

/** The history that is shown, and a way to another one: a list that is searched by typing. */
export function HistoryPicker(props: IProps): React.JSX.Element {
  const { histories, current, trans } = props;
  const [open, setOpen] = useState(false);
  const list = useId();
  const choose = (id: string): void => {
    setOpen(false);
    props.onOpen(id);
  };
  return (
    <div
      className="pj-Picker"
      onKeyDown={event => event.key === 'Escape' && setOpen(false)}
      onBlur={event => event.currentTarget.contains(event.relatedTarget) || setOpen(false)}
    >
      <button
        className="pj-Picker-button"
        aria-expanded={open}
        aria-controls={list}
        title={trans.__('Choose another history')}
        onClick={() => setOpen(!open)}
      >
        <span className="pj-Picker-name">{current?.name ?? trans.__('No history')}</span>
        <caretDownIcon.react tag="span" className="pj-Picker-caret" />
        <span className="pj-Picker-facts">{current ? facts(current, trans) : ''}</span>
      </button>
      {open ? (
        <Choice id={list} histories={histories} current={current} trans={trans} onOpen={choose} />
      ) : null}
    </div>
  );
}

function Choice(props: IProps & { id: string }): React.JSX.Element {
  const { histories, trans } = props;
  const [words, setWords] = useState('');
  const found = useMemo(() => {
    const wanted = words.toLowerCase();
    return histories.filter(one =>
      [one.name, ...one.tags].some(text => text.toLowerCase().includes(wanted))
    );
  }, [histories, words]);
  return (
    <div id={props.id} className="pj-Picker-choice">
      <input
        className="jp-mod-styled"
        type="search"
        autoFocus
        placeholder={trans.__('Find a history')}
        aria-label={trans.__('Find a history')}
        value={words}
        onChange={event => setWords(event.target.value)}
        onKeyDown={event => event.key === 'Enter' && found[0] && props.onOpen(found[0].id)}
      />
      <ul aria-label={trans.__('Histories')}>
        {found.map(one => (
          <li key={one.id}>
            <button
              aria-current={one.id === props.current?.id}
              onClick={() => props.onOpen(one.id)}
            >
              <span className="pj-Picker-name">{one.name}</span>
              <span className="pj-Picker-facts">
                {trans._n('%1 dataset', '%1 datasets', one.count)}
                {one.published || one.importable ? ` · ${trans.__('shared')}` : ''}
              </span>
            </button>
          </li>
        ))}
      </ul>
      {found.length === 0 ? <p>{trans.__('No history has that in its name or tags.')}</p> : null}
    </div>
  );
}

function facts(history: IHistoryDetail, trans: TranslationBundle): string {
  const count = history.contents_active.active ?? history.count;
  const shared = history.published || history.importable ? ` · ${trans.__('shared')}` : '';
  return `${trans._n('%1 dataset', '%1 datasets', count)} · ${formatSize(history.size)}${shared}`;
}
