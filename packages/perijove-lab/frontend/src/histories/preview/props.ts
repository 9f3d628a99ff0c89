import type { TranslationBundle } from '@jupyterlab/translation';
import type { IPlatform } from '../../tokens';
import type { IContent, IDataset } from '../galaxy';

/** What each kind of preview is given. */
export interface IPreviewProps {
  content: IContent;
  dataset: IDataset;
  platform: IPlatform;
  trans: TranslationBundle;
}
