import type { IPlatform } from '../tokens';

/** A public page of a notebook, as its owner sees it. */
export interface IPage {
  readonly id: string;
  readonly title: string;
  /** Where the notebook lay in the lab when it was published. */
  readonly path: string;
  readonly url: string;
  readonly update_time: string;
}

/** The public pages of this lab’s user. Everything rejects with a `PlatformError` that says what to do. */
export class SharedPages {
  constructor(private readonly platform: IPlatform) {}

  /** All of them, the latest first. */
  async list(): Promise<IPage[]> {
    return (await this.platform.door<{ value: IPage[] }>('share/pages')).value;
  }

  /** The page that was made of the notebook at `path`; null where there is none. */
  async of(path: string): Promise<IPage | null> {
    return (await this.list()).find(page => page.path === path) ?? null;
  }

  /** A new page of the notebook at `path`, as it is on the disk. */
  publish(path: string): Promise<IPage> {
    return this.platform.door<IPage>('share/pages', { method: 'POST', body: { path } });
  }

  /** Show the notebook as it is now behind the same link. */
  renew(page: IPage, path: string): Promise<IPage> {
    return this.platform.door<IPage>('share/pages', {
      method: 'POST',
      body: { path, id: page.id }
    });
  }

  /** The link leads nowhere from now on. */
  async revoke(page: IPage): Promise<void> {
    await this.platform.door(`share/pages/${page.id}`, { method: 'DELETE' });
  }
}

/** When the page was made or brought up to date, for people. */
export function shownSince(page: IPage): string {
  const options = { dateStyle: 'medium', timeStyle: 'short' } as const;
  return new Date(`${page.update_time}Z`).toLocaleString(undefined, options);
}
