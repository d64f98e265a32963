import { logMessage } from '../../schemas/pipe/messages/log.js';
import type { Writer } from './writer.js';

/** The open files, `most` at a time. The least recently used one is closed to make room. */
export class OpenFiles {
  readonly #files = new Map<string, Writer>();
  #last: Writer | undefined;

  constructor(private readonly most: number) {}

  get(path: string): Writer | undefined {
    if (this.#last?.path === path) return this.#last;
    const writer = this.#files.get(path);
    if (!writer) return undefined;
    this.#files.delete(path);
    return this.add(writer);
  }

  has(path: string): boolean {
    return this.#files.has(path);
  }

  add(writer: Writer): Writer {
    this.#files.set(writer.path, writer);
    this.#last = writer;
    return writer;
  }

  remove(writer: Writer): void {
    this.#files.delete(writer.path);
    if (this.#last === writer) this.#last = undefined;
  }

  /** The least recently used file if the limit is reached: it must be closed before another one is opened. */
  get leastRecentlyUsed(): Writer | undefined {
    return this.#files.size < this.most ? undefined : this.#files.values().next().value;
  }

  /** Runs `task` on each file. After all of them, throws the first error and logs the others. */
  async each(task: (writer: Writer) => Promise<void>): Promise<void> {
    const failures: unknown[] = [];
    for (const writer of this) await task(writer).catch((error) => failures.push(error));
    for (const failed of failures.slice(1)) logMessage('sink-file', (failed as Error).message);
    if (failures.length > 0) throw failures[0];
  }

  [Symbol.iterator](): Iterator<Writer> {
    return [...this.#files.values()][Symbol.iterator]();
  }
}
