import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';
import type { IUsage } from '../tokens';
import { isFinal, type IJobView } from './types';
import { duration, moment, size, when } from './words';

/** What a job was granted, what it uses or has used, and when. */
export function Facts({
  job,
  trans
}: {
  job: IJobView;
  trans: TranslationBundle;
}): React.JSX.Element {
  const rows = [...granted(job, trans), ...used(job, trans), ...times(job, trans)];
  return (
    <dl className="pj-facts">
      {rows.map(([name, value]) => (
        <React.Fragment key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </React.Fragment>
      ))}
    </dl>
  );
}

type Row = [string, string];

function granted(job: IJobView, trans: TranslationBundle): Row[] {
  const { resources, gpus, network } = job.live;
  if (resources === null) {
    return [];
  }
  const parts = [trans._n('%1 CPU', '%1 CPUs', resources.cpus), size(resources.memory)];
  if (resources.gpus > 0) {
    const which = gpus.length > 0 ? ` (${gpus.join(', ')})` : '';
    parts.push(trans._n('%1 GPU', '%1 GPUs', resources.gpus) + which);
  }
  if (network === 'none') {
    parts.push(trans.__('no network'));
  }
  return [[trans.__('Granted'), parts.join(', ')]];
}

function used(job: IJobView, trans: TranslationBundle): Row[] {
  const { usage, metrics } = job.live;
  if (usage !== null && !isFinal(job.state)) {
    return [[trans.__('Memory'), memory(usage, trans)], ...gpuRows(usage, trans)];
  }
  const rows: Row[] = [];
  if (typeof metrics.memory_peak === 'number') {
    rows.push([trans.__('Memory'), trans.__('%1 at most', size(metrics.memory_peak))]);
  }
  if (typeof metrics.cpu_seconds === 'number') {
    rows.push([trans.__('CPU time'), duration(metrics.cpu_seconds)]);
  }
  return rows;
}

function memory(usage: IUsage, trans: TranslationBundle): string {
  return trans.__('%1 now, %2 at most', size(usage.memory), size(usage.memory_peak));
}

function gpuRows(usage: IUsage, trans: TranslationBundle): Row[] {
  return usage.gpus.map(gpu => [
    trans.__('GPU %1', gpu.index),
    trans.__(
      '%1 % busy, %2 of %3',
      Math.round(gpu.percent),
      size(gpu.memory),
      size(gpu.memory_total)
    )
  ]);
}

function times(job: IJobView, trans: TranslationBundle): Row[] {
  const rows: Row[] = [[trans.__('Sent'), when(job.create_time)]];
  const { started, ended, metrics } = job.live;
  const seconds =
    typeof metrics.runtime_seconds === 'number'
      ? metrics.runtime_seconds
      : started === null
        ? null
        : ((ended === null ? Date.now() : moment(ended).getTime()) - moment(started).getTime()) /
          1000;
  if (seconds !== null) {
    rows.push([isFinal(job.state) ? trans.__('Ran') : trans.__('Runs'), duration(seconds)]);
  }
  return rows;
}
