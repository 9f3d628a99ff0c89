import type { GLViewer } from '3dmol';

const DEGREES = 15;
const NEARER = 1.2;

/** What a key does to the view. */
const KEYS: Record<string, (viewer: GLViewer) => void> = {
  ArrowLeft: viewer => viewer.rotate(-DEGREES, 'y'),
  ArrowRight: viewer => viewer.rotate(DEGREES, 'y'),
  ArrowUp: viewer => viewer.rotate(-DEGREES, 'x'),
  ArrowDown: viewer => viewer.rotate(DEGREES, 'x'),
  '+': viewer => viewer.zoom(NEARER),
  '-': viewer => viewer.zoom(1 / NEARER)
};

/** Let the keyboard turn what `viewer` shows while `stage` has the focus; JupyterLab's shortcuts wait. */
export function turnByKeys(stage: HTMLElement, viewer: GLViewer): void {
  stage.tabIndex = 0;
  stage.dataset.lmSuppressShortcuts = 'true';
  stage.addEventListener('keydown', event => {
    const act = event.ctrlKey || event.altKey || event.metaKey ? undefined : KEYS[event.key];
    if (act) {
      event.preventDefault();
      act(viewer);
    }
  });
}
