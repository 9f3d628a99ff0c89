import type { TranslationBundle } from '@jupyterlab/translation';
import type { IProgress } from '../tokens';

/** Seconds for people: 48 s, 3 min 20 s, 2 h 5 min. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) {
    return `${whole} s`;
  }
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) {
    return whole % 60 ? `${minutes} min ${whole % 60} s` : `${minutes} min`;
  }
  const hours = Math.floor(minutes / 60);
  return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
}

/** Bytes for people. */
export function size(bytes: number): string {
  let amount = bytes;
  for (const unit of ['B', 'KiB', 'MiB', 'GiB']) {
    if (amount < 1024) {
      return `${amount >= 100 || unit === 'B' ? Math.round(amount) : amount.toFixed(1)} ${unit}`;
    }
    amount /= 1024;
  }
  return `${amount.toFixed(1)} TiB`;
}

/** A figure of a metric. */
export function figure(value: number): string {
  return Number(value.toPrecision(4)).toString();
}

/** `epoch 3 of 15 · loss 0.12 · 3 min left`: how far a running job is. */
export function standing(progress: IProgress, trans: TranslationBundle): string {
  return [
    step(progress, trans),
    ...Object.entries(progress.metrics ?? {})
      .slice(0, 3)
      .map(([name, value]) => `${name} ${figure(value)}`),
    progress.eta === undefined ? '' : trans.__('%1 left', duration(progress.eta))
  ]
    .filter(Boolean)
    .join(' · ');
}

function step(progress: IProgress, trans: TranslationBundle): string {
  const { epoch, epochs, cell, cells } = progress;
  if (epoch !== undefined) {
    return epochs === undefined
      ? trans.__('epoch %1', epoch)
      : trans.__('epoch %1 of %2', epoch, epochs);
  }
  if (cells !== undefined) {
    return trans.__('cell %1 of %2', cell ?? 0, cells);
  }
  return progress.message ?? '';
}

/** Galaxy’s times are UTC without saying so. */
export function moment(time: string): Date {
  return new Date(/[Z+]/.test(time.slice(10)) ? time : `${time}Z`);
}

/** A time of today as 14:05, another day’s with the date. */
export function when(time: string): string {
  const then = moment(time);
  const today = then.toDateString() === new Date().toDateString();
  return today
    ? then.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
    : then.toLocaleDateString([], { day: 'numeric', month: 'short' });
}

/** What a terminal would show: no colours, and of a line that was written over, the last version. */
export function plain(log: string): string {
  const text = log.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '').replace(/\r\n/g, '\n');
  return text
    .split('\n')
    .map(line => line.replace(/\r+$/, '').split('\r').at(-1))
    .join('\n');
}
