import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';
import { formatSize } from '../histories/format';
import { ActionButton, ChooseAgain } from './buttons';
import type { UploadsModel } from './model';
import type { IUpload } from './upload';

interface IProps {
  upload: IUpload;
  uploads: UploadsModel;
  trans: TranslationBundle;
}

/** One file: how far it is, and what can be done with it. */
export function UploadItem(props: IProps): React.JSX.Element {
  const { upload, trans } = props;
  const whole = Math.max(1, upload.size);
  return (
    <li className={`pj-Upload pj-mod-${upload.state}`}>
      <span className="pj-Upload-name">{upload.path}</span>
      <progress
        max={whole}
        value={upload.state === 'done' ? whole : upload.sent}
        aria-label={trans.__('Upload of %1', upload.path)}
      />
      <span className="pj-Upload-state">{inWords(upload, trans)}</span>
      <Buttons {...props} />
    </li>
  );
}

function Buttons({ upload, uploads, trans }: IProps): React.JSX.Element {
  const { state, path } = upload;
  const goesOn = state === 'running' || state === 'waiting' || state === 'queued';
  const button = (label: string, act: () => void): React.JSX.Element => (
    <ActionButton label={label} of={path} act={act} />
  );
  return (
    <span className="pj-Actions">
      {goesOn ? button(trans.__('Pause'), () => uploads.pause([upload])) : null}
      {state === 'paused' || state === 'failed'
        ? button(trans.__('Go on'), () => uploads.resume([upload]))
        : null}
      {state === 'interrupted' && upload.folder === null ? (
        <Again upload={upload} uploads={uploads} trans={trans} />
      ) : null}
      {state === 'finishing'
        ? null
        : button(state === 'done' ? trans.__('Hide') : trans.__('Cancel'), () =>
            uploads.remove([upload])
          )}
    </span>
  );
}

function Again({ upload, uploads, trans }: IProps): React.JSX.Element {
  const { name, size, handle } = upload;
  return (
    <>
      {handle ? (
        <ActionButton
          label={trans.__('Go on')}
          of={name}
          act={() => void uploads.goOn(upload)}
          first
        />
      ) : null}
      <ChooseAgain
        label={trans.__('Choose the file again')}
        name={name}
        refused={trans.__(
          'This is another file, or it has changed since: choose %1 with %2.',
          name,
          formatSize(size)
        )}
        take={([file]) => file !== undefined && uploads.takeUp(upload, file)}
        trans={trans}
      />
    </>
  );
}

function inWords(upload: IUpload, trans: TranslationBundle): string {
  const share = upload.size ? Math.floor((100 * upload.sent) / upload.size) : 100;
  const soFar = trans.__('%1 % of %2', share, formatSize(upload.size));
  const words: Record<IUpload['state'], string> = {
    queued: trans.__('comes after others'),
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
