import { AgingMap } from '../../schemas/pipe/stage/aging-map.js';

/** The maximum number of attempts, and of bytes of their lines. */
const most = 10_000;
const mostBytes = 8 << 20;

interface Kept {
  number: number;
  line: Buffer;
}

/** Keeps the newest line of each pending attempt, for pages that are opened when the ring no longer has it. */
export class PendingLines {
  readonly #kept = new AgingMap<string, Kept>();
  readonly #most: number;
  #bytes = 0;

  constructor(ofLines: number) {
    this.#most = Math.min(most, Math.ceil(ofLines / 2));
  }

  /** Returns the keys of the pending attempts. */
  keys(): IterableIterator<string> {
    return this.#kept.keys();
  }

  /** Adds a pending line. If there are too many attempts, the oldest one is dropped. */
  start(key: string, number: number, line: Buffer): void {
    this.#bytes += line.length - (this.#kept.get(key)?.line.length ?? 0);
    this.#kept.set(key, { number, line });
    while (this.#kept.size > this.#most || this.#bytes > mostBytes) this.end(this.#kept.oldest as string);
  }

  /** Removes an attempt that has ended. Returns whether it was kept here. */
  end(key: string): boolean {
    this.#bytes -= this.#kept.get(key)?.line.length ?? 0;
    return this.#kept.delete(key);
  }

  /** Returns the lines with these numbers, in order. */
  between(from: number, to: number): Buffer[] {
    return [...this.#kept.values()]
      .filter(({ number }) => number >= from && number < to)
      .sort((a, b) => a.number - b.number)
      .map(({ line }) => line);
  }
}
