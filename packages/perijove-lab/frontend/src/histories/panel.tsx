import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type { Message } from '@lumino/messaging';
import React from 'react';
import { historiesIcon } from '../icons';
import { dropped } from '../uploads/chosen';
import type { UploadsModel } from '../uploads/model';
import { CommandIDs } from './commandIds';
import type { HistoriesModel } from './model';
import { HistoryView } from './view';

/** Histories beside the notebook. */
export class HistoriesPanel extends ReactWidget {
  constructor(
    readonly model: HistoriesModel,
    private readonly uploads: UploadsModel,
    private readonly commands: CommandRegistry,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.id = 'perijove-histories';
    this.addClass('pj-Histories');
    this.title.caption = trans.__('Histories');
    this.title.icon = historiesIcon;
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Histories'));
  }

  protected override render(): React.JSX.Element {
    const { model, uploads, commands, trans } = this;
    return (
      <UseSignal signal={model.stateChanged}>
        {() => <HistoryView model={model} uploads={uploads} commands={commands} trans={trans} />}
      </UseSignal>
    );
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.model.isVisible = true;
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.model.isVisible = false;
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.model.isVisible = this.isVisible;
    for (const kind of ['dragover', 'dragleave', 'drop']) {
      this.node.addEventListener(kind, this);
    }
  }

  protected override onBeforeDetach(message: Message): void {
    for (const kind of ['dragover', 'dragleave', 'drop']) {
      this.node.removeEventListener(kind, this);
    }
    super.onBeforeDetach(message);
  }

  /** Files and folders that are dropped here are uploaded. */
  handleEvent(event: Event): void {
    if (!(event instanceof DragEvent) || !event.dataTransfer?.types.includes('Files')) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    this.toggleClass('pj-mod-dropping', event.type === 'dragover');
    if (event.type === 'drop') {
      void dropped(event.dataTransfer).then(chosen =>
        this.commands.execute(CommandIDs.upload, { chosen: chosen as never })
      );
    }
  }
}
