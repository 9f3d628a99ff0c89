import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';
import type { JobActions } from './actions';
import { Curves } from './curve';
import { Facts } from './facts';
import type { OpenJob } from './job';
import { Bar, State, Waits } from './list';
import { Log } from './log';
import type { JobsModel } from './model';
import { isFinal, type IFailure, type IJobView } from './types';
import { standing } from './words';

interface IDetailProps {
  model: JobsModel;
  open: OpenJob;
  actions: JobActions;
  trans: TranslationBundle;
}

/** One job: how it stands, what it writes, what it made, what can be done. */
export function JobDetail(props: IDetailProps): React.JSX.Element {
  const { model, open, trans } = props;
  const heading = React.useRef<HTMLHeadingElement>(null);
  React.useEffect(() => heading.current?.focus(), [open.id]);
  return (
    <article className="pj-job" data-job={open.id}>
      <button className="pj-link" onClick={() => model.choose(null)}>
        {trans.__('‹ All jobs')}
      </button>
      <h2 ref={heading} tabIndex={-1}>
        {open.view?.name ?? trans.__('Job')}
      </h2>
      {open.error !== '' && (
        <p role="alert" className="pj-problem">
          {open.error}
        </p>
      )}
      {open.view !== null && <Body {...props} job={open.view} />}
    </article>
  );
}

function Body(props: IDetailProps & { job: IJobView }): React.JSX.Element {
  const { job, open, trans } = props;
  const { live } = job;
  const ended = isFinal(job.state);
  return (
    <>
      <p className="pj-job-line" role="status">
        <State state={live.cancel_requested && !ended ? 'deleting' : job.state} trans={trans} />
        <span className="pj-job-standing">
          {ended || job.state === 'running' ? (
            !ended && standing(live.progress, trans)
          ) : (
            <Waits live={live} trans={trans} />
          )}
        </span>
      </p>
      {job.state === 'running' && live.progress.percent !== undefined && (
        <Bar percent={live.progress.percent} trans={trans} />
      )}
      <Actions {...props} ended={ended} />
      {live.error !== null && job.state !== 'deleted' && (
        <Failure error={live.error} trans={trans} />
      )}
      <Curves points={open.points} trans={trans} />
      <Facts job={job} trans={trans} />
      <Outputs {...props} />
      <h3>{trans.__('Log')}</h3>
      <Log text={open.log} trans={trans} />
    </>
  );
}

function Actions(props: IDetailProps & { job: IJobView; ended: boolean }): React.JSX.Element {
  const { job, ended, actions, model, trans } = props;
  const again = async () => {
    const made = await actions.again(job);
    if (made !== null) {
      model.choose(made);
    }
  };
  return (
    <p className="pj-actions">
      {(ended || !job.galaxy) && job.state !== 'new' && job.state !== 'queued' && (
        <>
          <button onClick={() => actions.showNotebook(job)}>{trans.__('Open notebook')}</button>
          <button onClick={() => actions.showTensorBoard(job)}>{trans.__('TensorBoard')}</button>
        </>
      )}
      {!ended && (
        <button onClick={() => void actions.cancel(job)} disabled={job.live.cancel_requested}>
          {trans.__('Cancel…')}
        </button>
      )}
      {ended && <button onClick={() => void again()}>{trans.__('Run again')}</button>}
    </p>
  );
}

function Failure({
  error,
  trans
}: {
  error: IFailure;
  trans: TranslationBundle;
}): React.JSX.Element {
  const where = typeof error.cell === 'number' ? trans.__('In cell %1: ', error.cell + 1) : '';
  return (
    <div role="alert" className="pj-problem">
      <p>
        {where}
        {error.message ?? error.type}
      </p>
      {error.advice && <p>{error.advice}</p>}
    </div>
  );
}

function Outputs({
  job,
  actions,
  trans
}: IDetailProps & { job: IJobView }): React.JSX.Element | null {
  if (job.outputs.length === 0 || !actions.canShow) {
    return null;
  }
  return (
    <>
      <h3>{trans.__('Outputs')}</h3>
      <ul className="pj-outputs">
        {job.outputs.map(entry => (
          <li key={entry.id}>
            <button className="pj-link" onClick={() => actions.show(job, entry)}>
              {entry.name.replaceAll('_', ' ')}
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
