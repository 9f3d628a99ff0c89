import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';
import { jobState } from '../platform/states';
import type { IWatchedJob } from '../tokens';
import type { JobsModel } from './model';
import { isFinal, type IJob } from './types';
import { moment, standing, when } from './words';

interface IListProps {
  model: JobsModel;
  trans: TranslationBundle;
}

/** All jobs, the newest first; older ones come as one scrolls. */
export function JobList({ model, trans }: IListProps): React.JSX.Element {
  if (model.jobs.length === 0) {
    return model.loaded ? <NoJobs trans={trans} /> : <p role="status">{trans.__('One moment…')}</p>;
  }
  return (
    <>
      <ul className="pj-jobs-list" onKeyDown={walk}>
        {model.jobs.map(job => (
          <li key={job.id}>
            <Row
              job={job}
              live={model.live.get(job.id)}
              choose={() => model.choose(job.id)}
              trans={trans}
            />
          </li>
        ))}
      </ul>
      {model.more && <Older model={model} trans={trans} />}
    </>
  );
}

function NoJobs({ trans }: { trans: TranslationBundle }): React.JSX.Element {
  return (
    <div className="pj-empty">
      <p>{trans.__('You have no jobs yet.')}</p>
      <p>
        {trans.__(
          'A job runs a notebook on the server, whether or not this window is open. Open a notebook and choose “Run remotely…”.'
        )}
      </p>
    </div>
  );
}

interface IRowProps {
  job: IJob;
  live: IWatchedJob | undefined;
  choose: () => void;
  trans: TranslationBundle;
}

const Row = React.memo(function Row({ job, live, choose, trans }: IRowProps): React.JSX.Element {
  const waits = live !== undefined && ['new', 'queued', 'paused'].includes(live.state);
  const percent = live?.state === 'running' ? live.progress.percent : undefined;
  return (
    <button className="pj-job-row" data-state={job.state} data-job={job.id} onClick={choose}>
      <span className="pj-job-line">
        <span className="pj-job-name">{job.name ?? job.tool_id}</span>
        <time dateTime={moment(job.create_time).toISOString()}>{when(job.create_time)}</time>
      </span>
      <span className="pj-job-line">
        <State state={job.state} trans={trans} />
        <span className="pj-job-standing">
          {waits && <Waits live={live} trans={trans} />}
          {!waits && live !== undefined && !isFinal(job.state) && standing(live.progress, trans)}
        </span>
      </span>
      {percent !== undefined && <Bar percent={percent} trans={trans} />}
    </button>
  );
});

/** The state as a coloured word. */
export function State(props: { state: string; trans: TranslationBundle }): React.JSX.Element {
  return (
    <span className="pj-state" data-state={props.state}>
      {jobState(props.state, props.trans)}
    </span>
  );
}

/** Place in the queue, and why it waits. */
export function Waits(props: {
  live: { position: number | null; reason: string };
  trans: TranslationBundle;
}): React.JSX.Element {
  const { position, reason } = props.live;
  const place = position === null ? '' : props.trans.__('place %1', position);
  return <>{[place, reason].filter(Boolean).join(': ')}</>;
}

/** How much of it is done. */
export function Bar(props: { percent: number; trans: TranslationBundle }): React.JSX.Element {
  const label = props.trans.__('%1 % done', Math.round(props.percent));
  return <progress className="pj-bar" max={100} value={props.percent} aria-label={label} />;
}

function Older({ model, trans }: IListProps): React.JSX.Element {
  const button = React.useRef<HTMLButtonElement>(null);
  React.useEffect(() => {
    const seen = new IntersectionObserver(entries => {
      if (entries.some(entry => entry.isIntersecting)) {
        void model.loadMore();
      }
    });
    if (button.current !== null) {
      seen.observe(button.current);
    }
    return () => seen.disconnect();
  }, [model, model.jobs]);
  return (
    <button ref={button} className="pj-link" onClick={() => void model.loadMore()}>
      {trans.__('Older jobs')}
    </button>
  );
}

/** The arrow keys go from row to row. */
function walk(event: React.KeyboardEvent<HTMLUListElement>): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const rows = [...event.currentTarget.querySelectorAll<HTMLButtonElement>('.pj-job-row')];
  const here = rows.findIndex(row => row === document.activeElement);
  if (step !== undefined && here >= 0) {
    event.preventDefault();
    rows[here + step]?.focus();
  }
}
