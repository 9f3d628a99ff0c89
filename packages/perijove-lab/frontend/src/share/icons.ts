import { LabIcon } from '@jupyterlab/ui-components';

/** A page on its way to others. */
export const shareIcon = new LabIcon({
  name: 'perijove:share',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161">
    <path d="M13 3l8 7-8 7v-4c-5 0-8 1.5-10 5 .5-6 4-10.500 10-11z"/>
  </g>
</svg>`
});
