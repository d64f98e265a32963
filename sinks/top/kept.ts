import type { Line } from '../../schemas/pipe/line/line.js';

/** The longest line that is kept. */
const most = 4_096;
/** Room is allocated in steps, because lines of one kind differ little in length. */
const step = 256;

/** A copy of a line. A later one takes its place in memory, so that a busy row leaves no garbage. */
export class Kept {
  #bytes: Buffer | undefined;
  #length = 0;

  /** Keeps a line in place of the one before, or nothing if it is too long. */
  set({ buffer, start, end }: Line): void {
    this.#length = end - start > most ? 0 : end - start;
    if (!this.#bytes || this.#bytes.length < this.#length)
      this.#bytes = Buffer.allocUnsafeSlow(Math.ceil(this.#length / step) * step);
    buffer.copy(this.#bytes, 0, start, start + this.#length);
  }

  /** The line; empty before the first one. */
  get text(): string {
    return this.#bytes?.toString('utf8', 0, this.#length) ?? '';
  }

  copy(): Kept {
    const copy = new Kept();
    copy.#bytes = this.#bytes && Buffer.from(this.#bytes);
    copy.#length = this.#length;
    return copy;
  }
}
