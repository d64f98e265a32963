import type { Writer } from './writer.js';

const everyMs = 1_000;

/** When the disk is asked to confirm what was written. */
export type Fsync = 'none' | 'interval' | 'every';

/** Has the disk confirm what was written to files: never, a second after the first write, or after each. */
export class Syncing {
  #due = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly fsync: Fsync) {}

  /** Whether the files are to be written and `sync`ed now. */
  get due(): boolean {
    return this.fsync === 'every' || this.#due;
  }

  /** Whether a file is to be, before it is closed. */
  get atClose(): boolean {
    return this.fsync !== 'none';
  }

  /** Something is written: calls back when it is due. */
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
