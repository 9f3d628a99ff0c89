const PREFIX = 'perijove-upload:';

/** Which of the browser's tabs sends what: two that send the same would disturb each other. */
export class Owners {
  private readonly asked = new Map<string, Promise<boolean>>();
  private readonly held = new Map<string, () => void>();

  /** Have `id` for this tab. False where another tab has it. Always true where a browser has no locks. */
  async take(id: string): Promise<boolean> {
    const asked = this.asked.get(id) ?? this.ask(id);
    this.asked.set(id, asked);
    const taken = await asked;
    if (!taken) {
      this.asked.delete(id);
    }
    return taken;
  }

  release(id: string): void {
    this.held.get(id)?.();
    this.held.delete(id);
    this.asked.delete(id);
  }

  private async ask(id: string): Promise<boolean> {
    const locks = lockManager();
    if (!locks) {
      return true;
    }
    return new Promise(resolve => {
      void locks.request(PREFIX + id, { ifAvailable: true }, lock => {
        resolve(lock !== null);
        return lock && new Promise<void>(release => this.held.set(id, release));
      });
    });
  }

  /** What any tab has. */
  async taken(): Promise<Set<string>> {
    const all = await lockManager()?.query();
    return new Set(all?.held?.map(lock => lock.name?.slice(PREFIX.length) ?? ''));
  }
}

/** Only where a page is safe from others on its way (https, or this machine). */
function lockManager(): LockManager | undefined {
  return (navigator as { locks?: LockManager }).locks;
}
