import { Clipboard } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';
import { inWords } from '../platform/errors';
import { type IPage, type SharedPages, shownSince } from './pages';

interface IProps {
  readonly path: string;
  readonly pages: SharedPages;
  /** Resolves when the notebook is on the disk as it is shown. */
  readonly save: () => Promise<void>;
  readonly trans: TranslationBundle;
}

interface IAttempts {
  readonly busy: boolean;
  readonly said: string;
  readonly problem: string;
  /** Do something and tell how it went: what it resolves to, or what is wrong. */
  readonly attempt: (act: () => Promise<string>) => Promise<void>;
}

function useAttempts(): IAttempts {
  const [busy, setBusy] = React.useState(false);
  const [said, setSaid] = React.useState('');
  const [problem, setProblem] = React.useState('');
  const attempt = async (act: () => Promise<string>): Promise<void> => {
    setBusy(true);
    setProblem('');
    setSaid('');
    try {
      setSaid(await act());
    } catch (error) {
      setProblem(inWords(error));
    }
    setBusy(false);
  };
  return { busy, said, problem, attempt };
}

/** The public page of one notebook: made, copied, brought up to date, taken back. */
export function ShareView(props: IProps): React.JSX.Element {
  const { path, pages, save, trans } = props;
  const [page, setPage] = React.useState<IPage | null | undefined>(undefined);
  const { busy, said, problem, attempt } = useAttempts();
  React.useEffect(() => {
    void attempt(async () => {
      setPage(await pages.of(path));
      return '';
    });
  }, [pages, path]);
  const publish = async (): Promise<string> => {
    await save();
    setPage(await pages.publish(path));
    return trans.__('Anybody who has this link can read the notebook now.');
  };
  const renew = async (shown: IPage): Promise<string> => {
    await save();
    setPage(await pages.renew(shown, path));
    return trans.__('The page shows the notebook as it is now.');
  };
  const revoke = async (shown: IPage): Promise<string> => {
    await pages.revoke(shown);
    setPage(null);
    return trans.__('The link leads nowhere any more.');
  };
  return (
    <div className="pj-Share" aria-busy={busy}>
      <h3>{trans.__('Public page')}</h3>
      <p>
        {trans.__(
          'A page with the notebook as it is now, its outputs included, for anybody who has the link. Later changes show only when you update it.'
        )}
      </p>
      {page ? (
        <SharedPage
          page={page}
          busy={busy}
          trans={trans}
          onCopy={() => void attempt(async () => copied(page, trans))}
          onRenew={() => void attempt(() => renew(page))}
          onRevoke={() => void attempt(() => revoke(page))}
        />
      ) : (
        <button
          type="button"
          className="jp-mod-styled jp-mod-accept"
          disabled={busy || page === undefined}
          onClick={() => void attempt(publish)}
        >
          {trans.__('Make a public page')}
        </button>
      )}
      <p role="status">{busy ? trans.__('One moment…') : said}</p>
      {problem && <p role="alert">{problem}</p>}
    </div>
  );
}

async function copied(page: IPage, trans: TranslationBundle): Promise<string> {
  Clipboard.copyToSystem(page.url);
  return Promise.resolve(trans.__('The link is copied.'));
}

function SharedPage(props: {
  page: IPage;
  busy: boolean;
  trans: TranslationBundle;
  onCopy: () => void;
  onRenew: () => void;
  onRevoke: () => void;
}): React.JSX.Element {
  const { page, busy, trans } = props;
  return (
    <>
      <label>
        {trans.__('Link')}
        <input
          className="jp-mod-styled"
          readOnly
          value={page.url}
          onFocus={event => event.target.select()}
        />
      </label>
      <p className="pj-Share-since">{trans.__('It shows the notebook of %1.', shownSince(page))}</p>
      <div className="pj-Share-actions">
        <button type="button" className="jp-mod-styled jp-mod-accept" onClick={props.onCopy}>
          {trans.__('Copy the link')}
        </button>
        <a className="jp-mod-styled" href={page.url} target="_blank" rel="noreferrer">
          {trans.__('Look at it')}
        </a>
        <button type="button" className="jp-mod-styled" disabled={busy} onClick={props.onRenew}>
          {trans.__('Update it')}
        </button>
        <button
          type="button"
          className="jp-mod-styled jp-mod-warn"
          disabled={busy}
          onClick={props.onRevoke}
        >
          {trans.__('Take it back')}
        </button>
      </div>
    </>
  );
}
