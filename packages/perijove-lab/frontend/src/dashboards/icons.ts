import { LabIcon } from '@jupyterlab/ui-components';

function drawn(name: string, path: string): LabIcon {
  return new LabIcon({
    name: `perijove:${name}`,
    svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <path class="jp-icon3" fill="#616161" d="${path}"/>
</svg>`
  });
}

/** A rising curve in its axes. */
export const tensorboardIcon = drawn(
  'tensorboard',
  'M3 3h2v16h16v2H3zm4 12 4-5 3 3 5-7 1.6 1.2-6.4 9-3.1-3.1L8.6 16z'
);

/** A window with a slider in it. */
export const voilaIcon = drawn(
  'voila',
  'M3 4h18v16H3zm2 4v10h14V8zm2 5h3.2a2 2 0 0 1 3.6 0H17v2h-3.2a2 2 0 0 1-3.6 0H7z'
);

/** Nodes and edges. */
export const modelIcon = drawn(
  'model',
  'M9 3h6v4h-2v3h5v4h2v6h-6v-6h2v-2H8v2h2v6H4v-6h2v-4h5V7H9z'
);
