import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import React from 'react';
import type { IPlatform } from '../tokens';

/** Histories beside the notebook. */
export class HistoriesPanel extends ReactWidget {
  constructor(
    private readonly platform: IPlatform,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.id = 'perijove-histories';
    this.title.caption = trans.__('Histories');
  }

  protected override render(): React.JSX.Element {
    return (
      <p>
        {this.trans.__('Histories')} {this.platform.galaxyUrl('api/histories')}
      </p>
    );
  }
}
