import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';
import { FolderItem } from './folder';
import { UploadItem } from './item';
import type { UploadsModel } from './model';

interface IProps {
  uploads: UploadsModel;
  trans: TranslationBundle;
}

/** Files and folders on their way into a history; nothing at all where there are none. */
export function UploadList({ uploads, trans }: IProps): React.JSX.Element | null {
  const alone = uploads.filesOf(null);
  if (alone.length === 0 && uploads.folders.length === 0) {
    return null;
  }
  return (
    <ul className="pj-Uploads" aria-label={trans.__('Uploads')}>
      {uploads.folders.map(folder => (
        <FolderItem key={folder.id} folder={folder} uploads={uploads} trans={trans} />
      ))}
      {alone.map(upload => (
        <UploadItem key={upload.id} upload={upload} uploads={uploads} trans={trans} />
      ))}
    </ul>
  );
}
