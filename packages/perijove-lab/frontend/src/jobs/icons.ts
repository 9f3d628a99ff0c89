import { LabIcon } from '@jupyterlab/ui-components';

/** A sheet that is on its way. */
export const jobsIcon = new LabIcon({
  name: 'perijove-lab:jobs',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <path class="jp-icon3" fill="#616161" d="M3 5h9v2H3zM3 11h7v2H3zM3 17h9v2H3zM14 6l8 6-8 6z"/>
</svg>`
});

/** Send away. */
export const runRemotelyIcon = new LabIcon({
  name: 'perijove-lab:run-remotely',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <path class="jp-icon3" fill="#616161" d="M2 4l20 8-20 8v-6l12-2-12-2z"/>
</svg>`
});
