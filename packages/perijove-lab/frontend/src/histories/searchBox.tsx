import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useEffect, useState } from 'react';
import type { HistoriesModel } from './model';

const PAUSE = 250; // milliseconds without a key before anything is asked

interface IProps {
  model: HistoriesModel;
  trans: TranslationBundle;
}

/** Finds datasets while one types, and shows deleted ones. */
export function SearchBox({ model, trans }: IProps): React.JSX.Element {
  const [text, setText] = useState(model.search);
  const [deleted, setDeleted] = useState(model.deleted);
  useEffect(() => {
    if (text === model.search && deleted === model.deleted) {
      return;
    }
    const timer = setTimeout(() => void model.find(text, deleted), PAUSE);
    return () => clearTimeout(timer);
  }, [model, text, deleted]);
  return (
    <div className="pj-Search">
      <input
        className="jp-mod-styled"
        type="search"
        value={text}
        placeholder={trans.__('Search: name tag:… type:h5 state:ok')}
        aria-label={trans.__('Search datasets by name, tag:, type: or state:')}
        onChange={event => setText(event.target.value)}
      />
      <label>
        <input
          type="checkbox"
          checked={deleted}
          onChange={event => setDeleted(event.target.checked)}
        />
        {trans.__('deleted')}
      </label>
    </div>
  );
}
