import type { JupyterFrontEnd } from '@jupyterlab/application';
import { IFrame, MainAreaWidget } from '@jupyterlab/apputils';
import type { LabIcon } from '@jupyterlab/ui-components';

/** A page of the lab's own server in a tab; `id` names it, so that it is there once. */
export function showPage(
  app: JupyterFrontEnd,
  page: { id: string; title: string; url: string; icon?: LabIcon }
): void {
  const shown = [...app.shell.widgets('main')].find(widget => widget.id === page.id);
  if (shown !== undefined && !shown.isDisposed) {
    shown.dispose();
  }
  const widget = new MainAreaWidget({ content: pageFrame(page.title, page.url) });
  widget.id = page.id;
  widget.title.label = page.title;
  widget.title.closable = true;
  if (page.icon !== undefined) {
    widget.title.icon = page.icon;
  }
  app.shell.add(widget, 'main');
  app.shell.activateById(widget.id);
}

/** The frame alone. The page is of this origin and works with the lab's cookies. */
export function pageFrame(title: string, url: string): IFrame {
  const frame = new IFrame({
    sandbox: [
      'allow-scripts',
      'allow-same-origin',
      'allow-forms',
      'allow-downloads',
      'allow-popups'
    ]
  });
  frame.node.querySelector('iframe')?.setAttribute('title', title);
  frame.url = url;
  return frame;
}
