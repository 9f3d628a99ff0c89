import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import type { ISignal } from '@lumino/signaling';
import type { IChange, IFollower, IPlatform, IRequest, IWatchedJob } from '../tokens';
import { Changes, EVERYTHING } from './changes';
import { away, refusal } from './errors';

/** The lab's server as the panels see it. */
export class Platform implements IPlatform {
  constructor(private readonly settings: ServerConnection.ISettings) {}

  get changed(): ISignal<IPlatform, IChange> {
    return this.changes.changed;
  }

  get watched(): ISignal<IPlatform, readonly IWatchedJob[]> {
    return this.changes.watched;
  }

  follow(hidden = false): IFollower {
    return this.changes.follow(hidden);
  }

  galaxy<T>(path: string, request: IRequest = {}): Promise<T> {
    return this.ask<T>(this.galaxyUrl(path), request);
  }

  door<T>(path: string, request: IRequest = {}): Promise<T> {
    return this.ask<T>(this.url(path), request);
  }

  galaxyUrl(path: string): string {
    return this.url(`galaxy/${path}`);
  }

  get headers(): Record<string, string> {
    const cookie = /\b_xsrf=([^;]*)/.exec(document.cookie)?.[1];
    const token = this.settings.token;
    return {
      ...(cookie ? { 'X-XSRFToken': cookie } : {}),
      ...(token ? { Authorization: `token ${token}` } : {})
    };
  }

  get tellsNews(): boolean {
    return this.changes.tellsNews;
  }

  announceChange(): void {
    this.changes.changed.emit(EVERYTHING);
  }

  private readonly changes = new Changes(this);

  private url(path: string): string {
    const [place = '', query] = path.split('?', 2);
    const url = URLExt.join(this.settings.baseUrl, 'perijove', place);
    return query === undefined ? url : `${url}?${query}`;
  }

  private async ask<T>(url: string, request: IRequest): Promise<T> {
    const response = await this.send(url, request);
    const text = await response.text();
    if (!response.ok) {
      throw refusal(response.status, text);
    }
    try {
      return (text === '' ? undefined : JSON.parse(text)) as T;
    } catch {
      throw refusal(502, '');
    }
  }

  private async send(url: string, request: IRequest): Promise<Response> {
    const { method = 'GET', body, signal } = request;
    const init: RequestInit = { method, ...(signal ? { signal } : {}) };
    if (body !== undefined) {
      init.body = JSON.stringify(body);
      init.headers = { 'Content-Type': 'application/json' };
    }
    try {
      return await ServerConnection.makeRequest(url, init, this.settings);
    } catch (error) {
      if (signal?.aborted) {
        throw error;
      }
      throw away();
    }
  }
}
