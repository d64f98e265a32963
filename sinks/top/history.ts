import { Line } from '../../schemas/pipe/line/line.js';

/** The newest lines, as many as fit into a fixed number of bytes, so that a filter can be applied to what was seen before. */
export class History {
  readonly #ring: Buffer;
  #next = 0; // where the next line is written
  #end = 0; // the end of the older lines after #next; 0 if there are none
  #oldest = 0; // the start of the oldest line after #next

  constructor(size = 512 << 10) {
    this.#ring = Buffer.allocUnsafeSlow(size);
  }

  add({ buffer, start, end }: Line): void {
    const length = end - start + 1;
    if (length > this.#ring.length) return;
    if (this.#next + length > this.#ring.length) {
      this.#end = this.#next;
      this.#next = this.#oldest = 0;
    }
    const to = this.#next + length;
    while (this.#oldest < to && this.#oldest < this.#end) this.#oldest = this.#ring.indexOf(10, this.#oldest) + 1;
    buffer.copy(this.#ring, this.#next, start, end);
    this.#ring[to - 1] = 10;
    this.#next = to;
  }

  /** Calls `take` with each line, the oldest first. */
  each(take: (line: Line) => void): void {
    const line = new Line();
    for (const [from, to] of [
      [this.#oldest, this.#end],
      [0, this.#next],
    ] as const) {
      for (let start = from; start < to; ) {
        const end = this.#ring.indexOf(10, start);
        if (line.take(this.#ring, start, end) === undefined) take(line);
        start = end + 1;
      }
    }
  }
}
