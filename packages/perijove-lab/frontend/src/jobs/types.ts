import type { IProgress, IUsage } from '../tokens';

/** A job in a list, as Galaxy’s API gives it; only Perijove’s server knows the name. */
export interface IJob {
  id: string;
  state: string;
  name?: string | null;
  tool_id: string;
  history_id: string;
  create_time: string;
  update_time: string;
}

/** How a job stands; what the server does not say is null or empty. */
export interface ILive {
  reason: string;
  position: number | null;
  progress: IProgress;
  resources: IAmounts | null;
  gpus: number[];
  usage: IUsage | null;
  metrics: Record<string, unknown>;
  error: IFailure | null;
  unsaved: { name?: string; reason?: string }[];
  network: string | null;
  time_limit: number | null;
  cancel_requested: boolean;
  queued: string | null;
  started: string | null;
  ended: string | null;
}

export interface IAmounts {
  cpus: number;
  memory: number;
  gpus: number;
}

export interface IFailure {
  type?: string;
  message?: string;
  advice?: string;
  cell?: number | null;
  traceback?: string;
}

/** A dataset (`hda`) or collection (`hdca`) of a job. */
export interface IEntry {
  name: string;
  src: string;
  id: string;
}

/** One job, the same from whichever server. */
export interface IJobView extends IJob {
  name: string;
  galaxy: boolean;
  live: ILive;
  inputs: IEntry[];
  outputs: IEntry[];
}

/** One point of the metrics over time. */
export interface IPoint {
  time?: number;
  epoch?: number;
  percent?: number;
  metrics: Record<string, number>;
}

const FINAL = ['ok', 'error', 'deleted', 'failed', 'stopped', 'skipped'];

/** Whether a job in this state has ended. */
export function isFinal(state: string): boolean {
  return FINAL.includes(state);
}
