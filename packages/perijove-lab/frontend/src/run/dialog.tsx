import { Dialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import { Signal } from '@lumino/signaling';
import React from 'react';
import { inWords } from '../platform/errors';
import { Fields } from './fields';
import { asked, firstFields, type IAsked, type IFields } from './form';
import type { IStep } from './send';
import type { IKnown } from './types';

type Send = (asked: IAsked, told: (step: IStep) => void, signal: AbortSignal) => Promise<string>;

/** *Run remotely…*: it closes when the server has the job, or when one gives up. */
export class RunDialog extends Dialog<string> {
  constructor(
    private readonly known: IKnown,
    private readonly send: Send,
    private readonly trans: TranslationBundle
  ) {
    const body = new Body(known, trans);
    super({
      title: trans.__('Run %1 remotely', known.path.split('/').at(-1) ?? ''),
      body,
      buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Run') })],
      defaultButton: 1,
      focusNodeSelector: 'input[name="name"]'
    });
    this.form = body;
    this.addClass('pj-RunDialog');
  }

  /** The id of the new job, once there is one. */
  job: string | null = null;

  /** A button was pressed: only giving up closes the dialog at once. */
  override resolve(index?: number): void {
    if (index === 0) {
      this.stopping.abort();
      super.resolve(0);
    } else if (!this.form.isBusy) {
      void this.run();
    }
  }

  override reject(): void {
    this.stopping.abort();
    super.reject();
  }

  private async run(): Promise<void> {
    this.form.busy({ text: this.trans.__('Sending…'), fraction: null });
    try {
      const request = asked(this.known, this.form.fields, this.trans);
      this.job = await this.send(request, step => this.form.busy(step), this.stopping.signal);
      super.resolve(1);
    } catch (error) {
      this.form.failed(inWords(error));
    }
  }

  private readonly form: Body;
  private readonly stopping = new AbortController();
}

/** The form; what was typed stays, whatever the server says. */
class Body extends ReactWidget {
  constructor(
    private readonly known: IKnown,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.fields = firstFields(known);
    this.error = known.proposal.problem;
    this.addClass('pj-RunForm');
  }

  fields: IFields;

  get isBusy(): boolean {
    return this.step !== null;
  }

  busy(step: IStep): void {
    this.step = step;
    this.error = '';
    this.changed.emit();
  }

  failed(error: string): void {
    this.step = null;
    this.error = error;
    this.changed.emit();
  }

  protected override render(): React.JSX.Element {
    return (
      <UseSignal signal={this.changed}>
        {() => (
          <>
            <fieldset disabled={this.isBusy}>
              <Fields
                known={this.known}
                fields={this.fields}
                change={some => this.change(some)}
                trans={this.trans}
              />
            </fieldset>
            {this.step !== null && <Step step={this.step} />}
            {this.error !== '' && (
              <p role="alert" className="pj-problem">
                {this.error}
              </p>
            )}
          </>
        )}
      </UseSignal>
    );
  }

  private change(some: Partial<IFields>): void {
    this.fields = { ...this.fields, ...some };
    this.changed.emit();
  }

  private readonly changed = new Signal<this, void>(this);
  private step: IStep | null = null;
  private error = '';
}

function Step({ step }: { step: IStep }): React.JSX.Element {
  return (
    <div role="status" className="pj-RunStep">
      <p>{step.text}</p>
      <progress max={1} {...(step.fraction === null ? {} : { value: step.fraction })} />
    </div>
  );
}
