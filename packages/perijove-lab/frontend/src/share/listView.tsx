import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';
import { inWords } from '../platform/errors';
import { type IPage, type SharedPages, shownSince } from './pages';

/** Everything that this user has published, each with its link and a way to take it back. */
export function ListView(props: {
  pages: SharedPages;
  trans: TranslationBundle;
}): React.JSX.Element {
  const { pages, trans } = props;
  const [found, setFound] = React.useState<IPage[] | null>(null);
  const [problem, setProblem] = React.useState('');
  const look = async (before?: Promise<void>): Promise<void> => {
    try {
      await before;
      setFound(await pages.list());
      setProblem('');
    } catch (error) {
      setProblem(inWords(error));
    }
  };
  React.useEffect(() => void look(), [pages]);
  return (
    <div className="pj-Share">
      {found === null && !problem && <p>{trans.__('One moment…')}</p>}
      {found?.length === 0 && (
        <p>{trans.__('You have no public page. “Share…” in a notebook makes one.')}</p>
      )}
      <ul className="pj-Share-list">
        {found?.map(page => (
          <li key={page.id}>
            <span>
              <a href={page.url} target="_blank" rel="noreferrer">
                {page.title}
              </a>
              <span className="pj-Share-since">
                {page.path} · {shownSince(page)}
              </span>
            </span>
            <button
              type="button"
              className="jp-mod-styled jp-mod-warn"
              aria-label={trans.__('Take back %1', page.title)}
              onClick={() => void look(pages.revoke(page))}
            >
              {trans.__('Take back')}
            </button>
          </li>
        ))}
      </ul>
      {problem && <p role="alert">{problem}</p>}
    </div>
  );
}
