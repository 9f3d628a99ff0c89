import { LabIcon } from '@jupyterlab/ui-components';

/** Boxes that follow each other. */
export const pipelineIcon = new LabIcon({
  name: 'perijove:pipeline',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161">
    <path d="M2 9h6v6H2zM16 3h6v6h-6zm0 12h6v6h-6z"/>
    <path d="M8 11h3V5h5v2h-3v10h3v2h-5v-6H8z"/>
  </g>
</svg>`
});
