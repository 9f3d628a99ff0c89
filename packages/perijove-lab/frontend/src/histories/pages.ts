/** A long list, read in pages as they come into sight; those out of sight for long are forgotten. */
export class Pages<T> {
  private readonly pages = new Map<number, T[]>();
  private readonly underway = new Map<number, Promise<void>>();
  private generation = 0;
  private known = 0;
  private whole = false;

  constructor(
    private readonly read: (limit: number, offset: number) => Promise<T[]>,
    readonly size = 100
  ) {}

  /** How many rows there are, as far as is known; `expected` is what the server said of all. */
  length(expected?: number): number {
    return this.whole ? this.known : Math.max(this.known, expected ?? 0);
  }

  row(index: number): T | undefined {
    return this.pages.get(Math.floor(index / this.size))?.[index % this.size];
  }

  /** All rows that are here now. */
  get here(): T[] {
    return [...this.pages.values()].flat();
  }

  /** Have the rows from `first` to `last` here. */
  async need(first: number, last: number): Promise<void> {
    const wanted: Promise<void>[] = [];
    for (let page = pageOf(first, this.size); page <= pageOf(last, this.size); page++) {
      if (!this.pages.has(page)) {
        wanted.push(this.load(page));
      }
    }
    await Promise.all(wanted);
  }

  /** Read anew what is in sight; the rest when it comes into sight. */
  async renew(first: number, last: number): Promise<void> {
    this.generation += 1;
    this.underway.clear();
    const seen: number[] = [];
    for (let page = pageOf(first, this.size); page <= pageOf(last, this.size); page++) {
      seen.push(page);
    }
    this.whole = false;
    this.known = 0;
    await Promise.all(seen.map(page => this.load(page)));
    for (const page of this.pages.keys()) {
      if (!seen.includes(page)) {
        this.pages.delete(page);
      }
    }
  }

  private load(page: number): Promise<void> {
    const running = this.underway.get(page);
    if (running) {
      return running;
    }
    const generation = this.generation;
    const loading = this.read(this.size, page * this.size)
      .then(rows => {
        if (generation === this.generation) {
          this.keep(page, rows);
        }
      })
      .finally(() => {
        if (this.underway.get(page) === loading) {
          this.underway.delete(page);
        }
      });
    this.underway.set(page, loading);
    return loading;
  }

  private keep(page: number, rows: T[]): void {
    this.pages.set(page, rows);
    const end = page * this.size + rows.length;
    if (rows.length < this.size && (rows.length > 0 || page === 0)) {
      this.known = end;
      this.whole = true;
    } else if (!this.whole) {
      this.known = Math.max(this.known, end);
    }
  }
}

function pageOf(row: number, size: number): number {
  return Math.max(0, Math.floor(row / size));
}
