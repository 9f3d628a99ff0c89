import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { PageConfig, URLExt } from '@jupyterlab/coreutils';

type Plugin = JupyterFrontEndPlugin<unknown>;

/** A front end that the lab's page did not load: `perijove_lab.extension.on_demand` keeps it back. */
interface IKept {
  name: string;
  load: string;
  extension?: string;
  style?: string;
}

/** What module federation puts into the window for each front end. */
interface IContainer {
  init(scope: unknown): void | Promise<void>;
  get(module: string): Promise<() => unknown>;
}

declare global {
  interface Window {
    _JUPYTERLAB?: Record<string, IContainer>;
  }
}
declare const __webpack_share_scopes__: { default: unknown };

/** Whether a front end whose name begins so is installed and waits to be loaded. */
export function isKept(prefix: string): boolean {
  return kept(prefix).length > 0;
}

/** The plugins of all kept front ends whose names begin with `prefix`, their styles applied. */
export async function loadKept(prefix: string): Promise<Plugin[]> {
  const wanted = kept(prefix);
  await Promise.all(wanted.map(one => script(address(one))));
  for (const one of wanted) {
    await container(one).init(__webpack_share_scopes__.default);
  }
  const plugins = await Promise.all(wanted.map(pluginsOf));
  return plugins.flat();
}

function kept(prefix: string): IKept[] {
  const found = JSON.parse(PageConfig.getOption('perijoveOnDemand') || '[]') as IKept[];
  return found.filter(one => one.name.startsWith(prefix));
}

function address(one: IKept): string {
  return URLExt.join(PageConfig.getOption('fullLabextensionsUrl'), one.name, one.load);
}

function container(one: IKept): IContainer {
  const found = window._JUPYTERLAB?.[one.name];
  if (!found) {
    throw new Error(`${one.name} was not loaded.`);
  }
  return found;
}

async function pluginsOf(one: IKept): Promise<Plugin[]> {
  if (one.style) {
    (await container(one).get(one.style))();
  }
  if (!one.extension) {
    return [];
  }
  const module = (await container(one).get(one.extension))() as { default?: Plugin | Plugin[] };
  return [module.default ?? []].flat();
}

function script(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const element = document.createElement('script');
    element.src = url;
    element.async = true;
    element.onload = () => resolve();
    element.onerror = () => reject(new Error(`${url} could not be loaded.`));
    document.head.append(element);
  });
}
