import { LabIcon } from '@jupyterlab/ui-components';

/** A stack of datasets. */
export const historiesIcon = new LabIcon({
  name: 'perijove:histories',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161">
    <path d="M4 3h16v4H4zm0 7h16v4H4zm0 7h10v4H4z"/>
    <path d="M18 16h2v2h2v2h-2v2h-2v-2h-2v-2h2z"/>
  </g>
</svg>`
});
