import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import React from 'react';
import type { JobActions } from './actions';
import { JobDetail } from './detail';
import { JobList } from './list';
import type { JobsModel } from './model';

/** Jobs beside the notebook. */
export class JobsPanel extends ReactWidget {
  constructor(
    private readonly model: JobsModel,
    private readonly actions: JobActions,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.id = 'perijove-jobs';
    this.addClass('pj-jobs');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Jobs'));
  }

  protected override render(): React.JSX.Element {
    return (
      <UseSignal signal={this.model.changed}>
        {() => <Content model={this.model} actions={this.actions} trans={this.trans} />}
      </UseSignal>
    );
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.model.visible = true;
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.model.visible = this.isVisible;
  }

  protected override onBeforeHide(message: Message): void {
    this.model.visible = false;
    super.onBeforeHide(message);
  }

  protected override onBeforeDetach(message: Message): void {
    this.model.visible = false;
    super.onBeforeDetach(message);
  }
}

interface IContentProps {
  model: JobsModel;
  actions: JobActions;
  trans: TranslationBundle;
}

function Content({ model, actions, trans }: IContentProps): React.JSX.Element {
  if (model.open !== null) {
    return (
      <JobDetail
        key={model.open.id}
        model={model}
        open={model.open}
        actions={actions}
        trans={trans}
      />
    );
  }
  return (
    <>
      <h2>{trans.__('Jobs')}</h2>
      {model.error !== '' && (
        <p role="alert" className="pj-problem">
          {model.error}
        </p>
      )}
      {(model.error === '' || model.loaded) && <JobList model={model} trans={trans} />}
    </>
  );
}
