import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';
import type { IPoint } from './types';
import { figure } from './words';

const WIDTH = 300;
const HEIGHT = 110;
const EDGE = 4;
const MOST = 6;

interface ILine {
  name: string;
  values: { x: number; y: number }[];
}

/** The metrics over time: losses in one picture, everything else in another, since their scales differ. */
export function Curves(props: {
  points: IPoint[];
  trans: TranslationBundle;
}): React.JSX.Element | null {
  const lines = linesOf(props.points);
  const losses = lines.filter(line => line.name.includes('loss'));
  const others = lines.filter(line => !line.name.includes('loss'));
  return (
    <>
      {[losses, others].map(
        (some, index) =>
          some.length > 0 && <Curve key={index} lines={some.slice(0, MOST)} trans={props.trans} />
      )}
    </>
  );
}

function Curve({
  lines,
  trans
}: {
  lines: ILine[];
  trans: TranslationBundle;
}): React.JSX.Element | null {
  const all = lines.flatMap(line => line.values);
  const [left, right] = span(all.map(point => point.x));
  const [bottom, top] = span(all.map(point => point.y));
  const x = (value: number) => EDGE + ((value - left) / (right - left)) * (WIDTH - 2 * EDGE);
  const y = (value: number) =>
    HEIGHT - EDGE - ((value - bottom) / (top - bottom)) * (HEIGHT - 2 * EDGE);
  const names = lines.map(line => line.name).join(', ');
  const spoken = trans.__('%1 over time, from %2 to %3', names, figure(bottom), figure(top));
  return (
    <figure className="pj-curve">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={spoken}
        preserveAspectRatio="none"
      >
        {lines.map((line, index) => (
          <polyline
            key={line.name}
            data-line={index}
            points={line.values
              .map(point => `${x(point.x).toFixed(1)},${y(point.y).toFixed(1)}`)
              .join(' ')}
          />
        ))}
      </svg>
      <figcaption>
        {lines.map((line, index) => (
          <span key={line.name} className="pj-legend" data-line={index}>
            {line.name} <b>{figure(line.values.at(-1)?.y ?? 0)}</b>
          </span>
        ))}
        <span className="pj-range">
          {figure(bottom)} – {figure(top)}
        </span>
      </figcaption>
    </figure>
  );
}

/** A line for each metric that has at least two points. */
function linesOf(points: IPoint[]): ILine[] {
  const found = new Map<string, ILine['values']>();
  points.forEach((point, index) => {
    for (const [name, y] of Object.entries(point.metrics)) {
      const values = found.get(name) ?? [];
      values.push({ x: point.time ?? index, y });
      found.set(name, values);
    }
  });
  return [...found]
    .map(([name, values]) => ({ name, values }))
    .filter(line => line.values.length > 1);
}

/** The least and the greatest, never the same. */
function span(values: number[]): [number, number] {
  const least = values.reduce((one, other) => Math.min(one, other), Infinity);
  const greatest = values.reduce((one, other) => Math.max(one, other), -Infinity);
  return greatest > least ? [least, greatest] : [least - 0.5, least + 0.5];
}
