import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useRef, useState } from 'react';
import { formatSize } from './format';
import type { IUpload } from './upload';
import type { UploadsModel } from './uploads';

interface IProps {
  uploads: UploadsModel;
  trans: TranslationBundle;
}

/** Files on their way into a history; nothing at all where there are none. */
export function UploadList({ uploads, trans }: IProps): React.JSX.Element | null {
  if (uploads.uploads.length === 0) {
    return null;
  }
  return (
    <ul className="pj-Uploads" aria-label={trans.__('Uploads')}>
      {uploads.uploads.map(upload => (
        <li key={upload.id} className={`pj-Upload pj-mod-${upload.state}`}>
          <span className="pj-Upload-name">{upload.name}</span>
          <progress
            max={Math.max(1, upload.size)}
            value={upload.state === 'done' ? Math.max(1, upload.size) : upload.sent}
            aria-label={trans.__('Upload of %1', upload.name)}
          />
          <span className="pj-Upload-state">{inWords(upload, trans)}</span>
          <Buttons upload={upload} uploads={uploads} trans={trans} />
        </li>
      ))}
    </ul>
  );
}

function Buttons({ upload, uploads, trans }: IProps & { upload: IUpload }): React.JSX.Element {
  const button = (label: string, act: () => void): React.JSX.Element => (
    <button
      className="jp-Button jp-mod-styled"
      aria-label={`${label}: ${upload.name}`}
      onClick={act}
    >
      {label}
    </button>
  );
  const { state } = upload;
  const goesOn = state === 'running' || state === 'waiting';
  return (
    <span className="pj-Actions">
      {goesOn ? button(trans.__('Pause'), () => uploads.pause(upload)) : null}
      {state === 'paused' || state === 'failed'
        ? button(trans.__('Go on'), () => uploads.resume(upload))
        : null}
      {state === 'interrupted' ? (
        <ChooseAgain upload={upload} uploads={uploads} trans={trans} />
      ) : null}
      {state === 'finishing'
        ? null
        : button(state === 'done' ? trans.__('Hide') : trans.__('Cancel'), () =>
            uploads.remove(upload)
          )}
    </span>
  );
}

/** A browser forgets a file with the page: the user shows it again, and it goes on where it was. */
function ChooseAgain({ upload, uploads, trans }: IProps & { upload: IUpload }): React.JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  const [problem, setProblem] = useState('');
  const chosen = (file: File | undefined): void => {
    if (file && !uploads.takeUp(upload, file)) {
      setProblem(
        trans.__('This is another file: choose %1 with %2.', upload.name, formatSize(upload.size))
      );
    }
  };
  return (
    <>
      <input
        ref={input}
        type="file"
        hidden
        aria-label={trans.__('The file %1 again', upload.name)}
        onChange={event => chosen(event.target.files?.[0])}
      />
      <button
        className="jp-Button jp-mod-styled jp-mod-accept"
        onClick={() => input.current?.click()}
        aria-label={trans.__('Choose %1 again to go on', upload.name)}
      >
        {trans.__('Choose the file again')}
      </button>
      {problem ? <span role="alert">{problem}</span> : null}
    </>
  );
}

function inWords(upload: IUpload, trans: TranslationBundle): string {
  const share = upload.size ? Math.floor((100 * upload.sent) / upload.size) : 100;
  const soFar = trans.__('%1 % of %2', share, formatSize(upload.size));
  const words: Record<IUpload['state'], string> = {
    running: soFar,
    paused: trans.__('paused at %1', soFar),
    waiting: trans.__('waits for the network at %1', soFar),
    interrupted: trans.__('interrupted at %1: nothing of it is lost', soFar),
    finishing: trans.__('all there; becomes a dataset'),
    done: trans.__('done'),
    failed: upload.problem
  };
  return upload.state === 'waiting' && upload.problem ? upload.problem : words[upload.state];
}
