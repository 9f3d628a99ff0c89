import { Dialog, ReactWidget, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useEffect, useId, useState } from 'react';
import { inWords } from '../platform/errors';
import type { Histories, IHistoryDetail, ISharing } from './galaxy';

/** Ask who may read a history. What is chosen holds at once, and is taken back at once. */
export async function shareHistory(
  history: IHistoryDetail,
  api: Histories,
  trans: TranslationBundle
): Promise<void> {
  await showDialog({
    title: trans.__('Share “%1”', history.name),
    body: ReactWidget.create(<Sharing id={history.id} api={api} trans={trans} />),
    buttons: [Dialog.cancelButton({ label: trans.__('Close') })]
  });
}

interface IProps {
  id: string;
  api: Histories;
  trans: TranslationBundle;
}

function Sharing({ id, api, trans }: IProps): React.JSX.Element {
  const [sharing, setSharing] = useState<ISharing | null>(null);
  const [said, setSaid] = useState('');
  useEffect(() => {
    api.sharing(id).then(setSharing, (error: unknown) => setSaid(inWords(error)));
  }, [api, id]);
  const change = async (action: () => Promise<ISharing>, done: string): Promise<void> => {
    try {
      const now = await action();
      setSharing(now);
      setSaid(now.errors?.length ? now.errors.join(' ') : done);
    } catch (error) {
      setSaid(inWords(error));
    }
  };
  return (
    <div className="pj-Sharing">
      {sharing ? (
        <>
          <ByLink
            sharing={sharing}
            trans={trans}
            change={shared =>
              void change(
                () => api.shareByLink(id, shared),
                shared
                  ? trans.__('Everybody who has the link reads it.')
                  : trans.__('The link leads nowhere now.')
              )
            }
          />
          <WithPeople
            sharing={sharing}
            trans={trans}
            change={people =>
              void change(() => api.shareWith(id, people), trans.__('Saved: it holds from now on.'))
            }
          />
        </>
      ) : null}
      <p role="status">{said}</p>
    </div>
  );
}

function ByLink(props: {
  sharing: ISharing;
  trans: TranslationBundle;
  change: (shared: boolean) => void;
}): React.JSX.Element {
  const { sharing, trans, change } = props;
  const link = sharing.importable ? sharing.link : '';
  return (
    <>
      <label>
        <input
          type="checkbox"
          checked={sharing.importable}
          onChange={event => change(event.target.checked)}
        />
        {trans.__('Anybody with the link may read and copy it')}
      </label>
      {link ? (
        <input
          className="jp-mod-styled"
          readOnly
          value={link}
          aria-label={trans.__('Link')}
          onFocus={event => event.target.select()}
        />
      ) : null}
    </>
  );
}

function WithPeople(props: {
  sharing: ISharing;
  trans: TranslationBundle;
  change: (people: string[]) => void;
}): React.JSX.Element {
  const { sharing, trans, change } = props;
  const field = useId();
  const now = sharing.users_shared_with.map(user => user.email).join(', ');
  const [names, setNames] = useState(now);
  useEffect(() => setNames(now), [now]);
  return (
    <>
      <label htmlFor={field}>
        {trans.__('People who may read and copy it, with commas between')}
      </label>
      <input
        id={field}
        className="jp-mod-styled"
        value={names}
        onChange={event => setNames(event.target.value)}
      />
      <button
        className="jp-Button jp-mod-styled jp-mod-accept"
        disabled={names === now}
        onClick={() =>
          change(
            names
              .split(',')
              .map(name => name.trim())
              .filter(Boolean)
          )
        }
      >
        {trans.__('Save')}
      </button>
    </>
  );
}
