import { AgingMap } from '../../schemas/pipe/stage/aging-map.js';

/** At most as many attempts, and as many bytes of lines. */
const most = 10_000;
const mostBytes = 8 << 20;

interface Kept {
  number: number;
  line: Buffer;
}

/** The newest pending line of each attempt that waits, for pages that are opened when the ring no longer has it. */
export class Waiting {
  readonly #kept = new AgingMap<string, Kept>();
  readonly #most: number;
  #bytes = 0;

  constructor(ofLines: number) {
    this.#most = Math.min(most, Math.ceil(ofLines / 2));
  }

  /** The attempts that wait. */
  keys(): IterableIterator<string> {
    return this.#kept.keys();
  }

  /** Takes a pending line. Of too many attempts, the one that came first is forgotten. */
  start(key: string, number: number, line: Buffer): void {
    this.#bytes += line.length - (this.#kept.get(key)?.line.length ?? 0);
    this.#kept.set(key, { number, line });
    while (this.#kept.size > this.#most || this.#bytes > mostBytes) this.end(this.#kept.oldest as string);
  }

  /** An attempt has ended. Returns whether it was one of these. */
  end(key: string): boolean {
    this.#bytes -= this.#kept.get(key)?.line.length ?? 0;
    return this.#kept.delete(key);
  }

  /** The lines with these numbers. */
  between(from: number, to: number): Buffer[] {
    return [...this.#kept.values()]
      .filter(({ number }) => number >= from && number < to)
      .sort((a, b) => a.number - b.number)
      .map(({ line }) => line);
  }
}
