import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { IChange, IFollower, IPlatform } from '../tokens';
import type { IContent, IHistory, IHistoryDetail } from './galaxy';
import { Histories } from './galaxy';
import { Pages } from './pages';
import { filtersOf } from './search';

const SOON = 4000; // milliseconds
const UNDER_WAY = ['new', 'queued', 'running', 'upload', 'setting_metadata'];
const REMEMBERED = 'perijove:history';

/** What the histories panel shows. Nothing is asked of a server while the panel is out of sight. */
export class HistoriesModel implements IDisposable {
  readonly stateChanged: Signal<HistoriesModel, void> = new Signal<HistoriesModel, void>(this);
  readonly api: Histories;
  histories: IHistory[] | null = null;
  current: IHistoryDetail | null = null;
  contents: Pages<IContent>;
  search = '';
  deleted = false;
  error: unknown = null;
  /** The row that keys and commands mean. */
  active: IContent | null = null;
  readonly chosen = new Map<string, IContent>();
  isDisposed = false;
  private sight: [number, number] = [0, 30];
  private visible = false;
  /** The history that was asked for last; what comes for another one is late. */
  private wanted = '';
  private follower: IFollower | null = null;
  private timer = 0;

  constructor(private readonly platform: IPlatform) {
    this.api = new Histories(platform);
    this.contents = this.pagesOf();
    platform.changed.connect((_, change) => this.onChanged(change), this);
  }

  dispose(): void {
    this.isDisposed = true;
    this.isVisible = false;
    Signal.clearData(this);
  }

  /** Whether anybody looks. */
  get isVisible(): boolean {
    return this.visible;
  }

  set isVisible(visible: boolean) {
    this.visible = visible;
    this.follower?.dispose();
    this.follower = visible ? this.platform.follow() : null;
    clearTimeout(this.timer);
    // Out of sight nothing was heard: what stands here may be old.
    void this.follower?.ready.then(() => this.refresh());
  }

  /** The number of rows in the list. */
  get length(): number {
    const { active = 0, hidden = 0 } = this.current?.contents_active ?? {};
    const plain = this.search.trim() === '' && !this.deleted;
    return this.contents.length(plain && hidden === 0 ? active : undefined);
  }

  /** Look at what the server has now, whether or not something is known to have changed. */
  async refresh(): Promise<void> {
    if (!this.visible) {
      return;
    }
    await this.attempt(async () => {
      const id = this.wanted || localStorage.getItem(REMEMBERED);
      this.histories = await this.api.list();
      if (this.wanted && this.wanted !== id) {
        return; // another one was asked for meanwhile
      }
      const known = this.histories.find(one => one.id === id) ?? this.histories[0];
      if (!known) {
        this.current = null;
      } else if (known.id === this.current?.id) {
        await this.renew();
      } else {
        await this.open(known.id);
      }
    });
    this.lookAgain();
  }

  /** Show the history `id`. */
  async open(id: string): Promise<void> {
    this.wanted = id;
    await this.attempt(async () => {
      const [detail, pages] = await Promise.all([this.api.show(id), this.firstOf(id)]);
      if (this.wanted !== id) {
        return; // another one was asked for meanwhile
      }
      this.current = detail;
      this.startWith(pages);
      localStorage.setItem(REMEMBERED, id);
    });
  }

  /** Show what fits `search`, deleted ones or the others. */
  async find(search: string, deleted: boolean): Promise<void> {
    this.search = search;
    this.deleted = deleted;
    const id = this.current?.id;
    if (id) {
      await this.attempt(async () => {
        const pages = await this.firstOf(id);
        if (this.wanted === id && this.search === search && this.deleted === deleted) {
          this.startWith(pages);
        }
      });
    }
  }

  /** Rows `first` to `last` came into sight. */
  async lookAt(first: number, last: number): Promise<void> {
    this.sight = [first, last];
    await this.attempt(() => this.contents.need(first, last));
  }

  choose(content: IContent | null, more: boolean): void {
    if (!more) {
      this.chosen.clear();
    }
    this.active = content;
    if (content && more && this.chosen.has(content.id)) {
      this.chosen.delete(content.id);
    } else if (content) {
      this.chosen.set(content.id, content);
    }
    this.stateChanged.emit();
  }

  /** Do something to histories or datasets, and show what came of it. Errors are the caller's to show. */
  async act<T>(action: (api: Histories) => Promise<T>): Promise<T> {
    const done = await action(this.api);
    this.platform.announceChange();
    return done;
  }

  private async renew(): Promise<void> {
    const id = this.current?.id ?? '';
    const [detail] = await Promise.all([this.api.show(id), this.contents.renew(...this.sight)]);
    if (this.wanted === id) {
      this.reconcile();
      this.current = detail;
    }
  }

  /** The rows that are chosen, as they are now. */
  private reconcile(): void {
    const now = new Map(this.contents.here.map(row => [row.id, row]));
    for (const id of this.chosen.keys()) {
      const row = now.get(id);
      if (row) {
        this.chosen.set(id, row);
      }
    }
    this.active = (this.active && now.get(this.active.id)) ?? this.active;
  }

  private async firstOf(id: string): Promise<Pages<IContent>> {
    const pages = this.pagesOf(id);
    await pages.need(0, 0);
    return pages;
  }

  private startWith(pages: Pages<IContent>): void {
    this.sight = [0, 30];
    this.contents = pages;
    this.chosen.clear();
    this.active = null;
  }

  private pagesOf(id = ''): Pages<IContent> {
    const filters = filtersOf(this.search, this.deleted);
    return new Pages((limit, offset) => this.api.contents(id, filters, limit, offset));
  }

  private onChanged(change: IChange): void {
    if (change.everything || change.histories.length > 0) {
      void this.refresh();
    }
  }

  /** A server that tells no news is asked again soon while something is going on in this history. */
  private lookAgain(): void {
    clearTimeout(this.timer);
    const states = this.current?.state_details ?? {};
    if (this.visible && !this.platform.tellsNews && UNDER_WAY.some(state => states[state])) {
      this.timer = window.setTimeout(() => void this.refresh(), SOON);
    }
  }

  private async attempt(action: () => Promise<void>): Promise<void> {
    try {
      await action();
      this.error = null;
    } catch (error) {
      this.error = error;
    }
    if (!this.isDisposed) {
      this.stateChanged.emit();
    }
  }
}
