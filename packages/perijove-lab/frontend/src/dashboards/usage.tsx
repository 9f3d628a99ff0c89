import { ReactWidget } from '@jupyterlab/apputils';
import { type Popup, showPopup } from '@jupyterlab/statusbar';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import { Poll } from '@lumino/polling';
import React from 'react';
import { inWords } from '../platform/errors';
import { amountsOf } from '../run/parts';
import type { IMachine } from '../run/types';
import type { IPlatform } from '../tokens';

const EVERY = 5000;
/** Of a limit, from where on the bar warns. */
const NARROW = 0.9;

/** What the lab uses: CPUs and bytes; limits are 0 where none is set. */
interface IUsage {
  cpus: number;
  memory: number;
  cpu_limit: number;
  memory_limit: number;
  flavor: string;
}

/** CPU and memory of this lab in the status bar; a click tells the rest. Asks only while the window is seen. */
export class UsageItem extends ReactWidget {
  private readonly _platform: IPlatform;
  private readonly _trans: TranslationBundle;
  private readonly _poll: Poll<IUsage>;
  private _usage: IUsage | null = null;
  private _popup: Popup | null = null;

  constructor(platform: IPlatform, trans: TranslationBundle) {
    super();
    this._platform = platform;
    this._trans = trans;
    this.addClass('pj-Usage');
    this._poll = new Poll<IUsage>({
      name: 'perijove:usage',
      auto: false,
      factory: () => platform.door<IUsage>('dashboards/usage'),
      frequency: { interval: EVERY, backoff: true, max: 60_000 },
      standby: 'when-hidden'
    });
    this._poll.ticked.connect((_, state) => {
      if (state.phase === 'resolved') {
        this._usage = state.payload as IUsage;
        this.update();
      }
    });
  }

  override dispose(): void {
    this._poll.dispose();
    this._popup?.dispose();
    super.dispose();
  }

  protected override onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    void this._poll.start();
  }

  protected render(): React.JSX.Element {
    const usage = this._usage;
    if (usage === null) {
      return <></>;
    }
    const trans = this._trans;
    return (
      <button
        className="pj-Usage-button"
        title={trans.__('What this lab uses; click for what is free')}
        aria-haspopup="dialog"
        onClick={() => this._explain()}
      >
        <span className={narrow(usage.cpus, usage.cpu_limit)}>
          {trans.__('CPU %1', share(usage.cpus, usage.cpu_limit))}
        </span>
        <span className={narrow(usage.memory, usage.memory_limit)}>
          {trans.__('Memory %1', ofLimit(usage.memory, usage.memory_limit))}
        </span>
      </button>
    );
  }

  private _explain(): void {
    this._popup?.dispose();
    this._popup = showPopup({
      body: new Explanation(this._platform, this._trans, this._usage),
      anchor: this,
      align: 'left',
      hasDynamicSize: true
    });
  }
}

/** What the lab holds, and what is free on the platform. */
class Explanation extends ReactWidget {
  private _machine: IMachine | null = null;
  private _problem = '';

  constructor(
    platform: IPlatform,
    private readonly _trans: TranslationBundle,
    private readonly _usage: IUsage | null
  ) {
    super();
    this.addClass('pj-Usage-popup');
    void platform
      .galaxy<IMachine>('api/perijove/resources')
      .then(machine => (this._machine = machine))
      .catch((error: unknown) => (this._problem = inWords(error)))
      .finally(() => this.update());
  }

  protected render(): React.JSX.Element {
    const trans = this._trans;
    return (
      <div role="dialog" aria-label={trans.__('Resources')}>
        <h3>{trans.__('This lab')}</h3>
        {this._usage !== null && <Held usage={this._usage} trans={trans} />}
        <h3>{trans.__('The platform')}</h3>
        {this._machine !== null ? (
          <Free machine={this._machine} trans={trans} />
        ) : (
          <p>{this._problem || trans.__('Looking…')}</p>
        )}
      </div>
    );
  }
}

function Held({ usage, trans }: { usage: IUsage; trans: TranslationBundle }): React.JSX.Element {
  return (
    <dl>
      {usage.flavor !== '' && (
        <>
          <dt>{trans.__('Flavor')}</dt>
          <dd>{usage.flavor}</dd>
        </>
      )}
      <dt>{trans.__('CPUs')}</dt>
      <dd>
        <Bar label={trans.__('CPUs')} used={usage.cpus} limit={usage.cpu_limit} />
        {usage.cpu_limit > 0
          ? trans.__('%1 of %2', usage.cpus.toFixed(1), usage.cpu_limit)
          : usage.cpus.toFixed(1)}
      </dd>
      <dt>{trans.__('Memory')}</dt>
      <dd>
        <Bar label={trans.__('Memory')} used={usage.memory} limit={usage.memory_limit} />
        {ofLimit(usage.memory, usage.memory_limit)}
      </dd>
    </dl>
  );
}

function Bar(props: { label: string; used: number; limit: number }): React.JSX.Element | null {
  return props.limit > 0 ? (
    <meter
      aria-label={props.label}
      min={0}
      max={props.limit}
      high={NARROW * props.limit}
      value={props.used}
    />
  ) : null;
}

function Free({
  machine,
  trans
}: {
  machine: IMachine;
  trans: TranslationBundle;
}): React.JSX.Element {
  return (
    <dl>
      <dt>{trans.__('Free now')}</dt>
      <dd>{amountsOf(machine.free, trans)}</dd>
      <dt>{trans.__('In all')}</dt>
      <dd>{amountsOf(machine.total, trans)}</dd>
      <dt>{trans.__('Waiting jobs')}</dt>
      <dd>{machine.waiting_jobs}</dd>
    </dl>
  );
}

function narrow(used: number, limit: number): string {
  return limit > 0 && used > NARROW * limit ? 'pj-mod-narrow' : '';
}

function share(cpus: number, limit: number): string {
  return `${Math.round((100 * cpus) / (limit || 1))} %`;
}

function ofLimit(bytes: number, limit: number): string {
  const gib = (value: number) => (value / 2 ** 30).toFixed(1);
  return limit > 0 ? `${gib(bytes)} / ${gib(limit)} GiB` : `${gib(bytes)} GiB`;
}
