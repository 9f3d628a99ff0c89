import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useRef, useState } from 'react';

interface IAction {
  label: string;
  /** What it is done to; for those who hear the page. */
  of: string;
  act: () => void;
  /** Whether it is what most people want. */
  first?: boolean;
}

export function ActionButton({ label, of, act, first = false }: IAction): React.JSX.Element {
  return (
    <button
      className={`jp-Button jp-mod-styled${first ? ' jp-mod-accept' : ''}`}
      aria-label={`${label}: ${of}`}
      onClick={act}
    >
      {label}
    </button>
  );
}

interface IChoose {
  label: string;
  name: string;
  /** What to say where something else was chosen. */
  refused: string;
  take: (files: File[]) => boolean;
  trans: TranslationBundle;
  folder?: boolean;
}

/** A browser forgets files with the page: the user shows them again, and they go on where they were. */
export function ChooseAgain(props: IChoose): React.JSX.Element {
  const { label, name, refused, take, trans, folder = false } = props;
  const input = useRef<HTMLInputElement>(null);
  const [problem, setProblem] = useState('');
  const chosen = (files: File[]): void => {
    if (files.length > 0) {
      setProblem(take(files) ? '' : refused);
    }
  };
  return (
    <>
      <input
        ref={input}
        type="file"
        hidden
        {...(folder ? { webkitdirectory: '' } : {})}
        aria-label={trans.__('%1 again', name)}
        onChange={event => chosen([...(event.target.files ?? [])])}
      />
      <button
        className="jp-Button jp-mod-styled"
        onClick={() => input.current?.click()}
        aria-label={trans.__('Choose %1 again to go on', name)}
      >
        {label}
      </button>
      {problem ? <span role="alert">{problem}</span> : null}
    </>
  );
}
