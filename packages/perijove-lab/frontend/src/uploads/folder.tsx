import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';
import { formatSize } from '../histories/format';
import { ActionButton, ChooseAgain } from './buttons';
import { UploadItem } from './item';
import type { UploadsModel } from './model';
import type { IFolder, IUpload } from './upload';

const MOST = 100; // files that are listed: those that somebody may have to do something about come first

interface IProps {
  folder: IFolder;
  uploads: UploadsModel;
  trans: TranslationBundle;
}

/** A folder: how far it is as a whole, and on request each of its files. */
export function FolderItem({ folder, uploads, trans }: IProps): React.JSX.Element {
  const files = uploads.filesOf(folder);
  const size = sum(files.map(one => one.size));
  const sent = sum(files.map(one => (one.state === 'done' ? one.size : one.sent)));
  const whole = Math.max(1, size);
  return (
    <li className={`pj-Upload pj-Upload-folder pj-mod-${stateOf(folder, files)}`}>
      <span className="pj-Upload-name">{folder.name}/</span>
      <progress
        max={whole}
        value={size === 0 ? 1 : sent}
        aria-label={trans.__('Upload of the folder %1', folder.name)}
      />
      <span className="pj-Upload-state">{inWords(folder, files, sent, size, trans)}</span>
      {folder.hidden > 0 ? (
        <span className="pj-Upload-state">
          {trans._n('%1 hidden file is left out', '%1 hidden files are left out', folder.hidden)}
        </span>
      ) : null}
      <Buttons folder={folder} files={files} uploads={uploads} trans={trans} />
      <Files files={files} uploads={uploads} trans={trans} />
    </li>
  );
}

function Files(props: Omit<IProps, 'folder'> & { files: IUpload[] }): React.JSX.Element | null {
  const { files, uploads, trans } = props;
  const open = files.filter(one => one.state !== 'done');
  const listed = [...open].sort((one, other) => rank(one) - rank(other)).slice(0, MOST);
  if (open.length === 0) {
    return null;
  }
  return (
    <details open={listed[0]?.state === 'failed'}>
      <summary>
        {trans._n('%1 file is not there yet', '%1 files are not there yet', open.length)}
      </summary>
      <ul className="pj-Uploads-inside">
        {listed.map(upload => (
          <UploadItem key={upload.id} upload={upload} uploads={uploads} trans={trans} />
        ))}
      </ul>
    </details>
  );
}

function Buttons(props: IProps & { files: IUpload[] }): React.JSX.Element {
  const { folder, files, uploads, trans } = props;
  const state = stateOf(folder, files);
  const button = (label: string, act: () => void): React.JSX.Element => (
    <ActionButton label={label} of={folder.name} act={act} />
  );
  return (
    <span className="pj-Actions">
      {state === 'running' ? button(trans.__('Pause'), () => uploads.pause(files)) : null}
      {state === 'paused' || state === 'failed'
        ? button(trans.__('Go on'), () => uploads.resumeFolder(folder))
        : null}
      {state === 'interrupted' ? <Again folder={folder} uploads={uploads} trans={trans} /> : null}
      {state === 'making'
        ? null
        : button(state === 'done' ? trans.__('Hide') : trans.__('Cancel'), () =>
            uploads.removeFolder(folder)
          )}
    </span>
  );
}

function Again({ folder, uploads, trans }: IProps): React.JSX.Element {
  return (
    <>
      {folder.handle ? (
        <ActionButton
          label={trans.__('Go on')}
          of={folder.name}
          act={() => void uploads.goOn(folder)}
          first
        />
      ) : null}
      <ChooseAgain
        label={trans.__('Choose the folder again')}
        name={folder.name}
        refused={trans.__('None of the files that are missing is in this folder, unchanged.')}
        take={chosen => uploads.takeUpFolder(folder, chosen)}
        trans={trans}
        folder
      />
    </>
  );
}

type State = 'running' | 'paused' | 'failed' | 'interrupted' | 'making' | 'done';

/** Of the whole: what somebody should know first. */
function stateOf(folder: IFolder, files: IUpload[]): State {
  if (folder.state !== 'sending') {
    return folder.state;
  }
  const there = new Set(files.map(one => one.state));
  if (
    ['queued', 'running', 'waiting', 'finishing'].some(one => there.has(one as IUpload['state']))
  ) {
    return 'running';
  }
  const stopped = ['interrupted', 'failed', 'paused'] as const;
  return stopped.find(one => there.has(one)) ?? 'making';
}

function inWords(
  folder: IFolder,
  files: IUpload[],
  sent: number,
  size: number,
  trans: TranslationBundle
): string {
  const there = files.filter(one => one.state === 'done').length;
  const failed = files.filter(one => one.state === 'failed').length;
  const share = size ? Math.floor((100 * sent) / size) : 100;
  const soFar = trans.__(
    '%1 of %2 files, %3 % of %4',
    there,
    files.length,
    share,
    formatSize(size)
  );
  const words: Record<State, string> = {
    running: failed ? trans.__('%1; %2 failed', soFar, failed) : soFar,
    paused: trans.__('paused at %1', soFar),
    interrupted: trans.__('interrupted at %1: nothing of it is lost', soFar),
    failed: folder.problem || trans.__('%1; %2 failed', soFar, failed),
    making: trans.__('all there; becomes a collection'),
    done: trans.__('done')
  };
  return words[stateOf(folder, files)];
}

function rank({ state }: IUpload): number {
  return ['failed', 'waiting', 'running', 'finishing', 'paused', 'interrupted', 'queued'].indexOf(
    state
  );
}

function sum(numbers: number[]): number {
  return numbers.reduce((one, other) => one + other, 0);
}
