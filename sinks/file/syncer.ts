import type { Writer } from './writer.js';

const everyMs = 1_000;

/** When to sync files to disk. */
export type Fsync = 'none' | 'interval' | 'every';

/** Syncs files to disk: never, a second after the first unsynced write, or after each write. */
export class Syncer {
  #due = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly fsync: Fsync) {}

  /** Whether the files must be written and synced now. */
  get due(): boolean {
    return this.fsync === 'every' || this.#due;
  }

  /** Whether a file must be synced before it is closed. */
  get atClose(): boolean {
    return this.fsync !== 'none';
  }

  /** Schedules a sync after a write: calls `wake` when it is due. */
  watch(wake: () => void): void {
    if (this.fsync !== 'interval') return;
    this.#timer ??= setTimeout(() => {
      this.#due = true;
      wake();
    }, everyMs);
  }

  async sync(files: Iterable<Writer>): Promise<void> {
    this.close();
    for (const writer of files) await writer.sync();
  }

  close(): void {
    this.#due = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
