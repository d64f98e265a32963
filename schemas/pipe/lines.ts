const newline = 10;
const room = 1 << 18;

/** A line of more bytes than this is invalid, so that no input makes memory grow. */
export const lineLimit = 1 << 20;

/**
 * Cuts bytes into lines, wherever the chunks end. Fill `space()`, say how much with `filled()`, then call `next()`
 * until it says `more`: for a `line` it is `buffer[start..end)`, for one that is too `long` its beginning is `head` and
 * its length `length`. At the end of input call `finish()`, and `next()` again.
 */
export class Lines {
  buffer = Buffer.allocUnsafeSlow(room);
  start = 0;
  end = 0;
  head = Buffer.alloc(0);
  length = 0;
  #next = 0; // buffer[next..held) is not consumed yet
  #held = 0;
  #scanned = 0; // buffer[next..scanned) has no newline
  #skipped = 0; // bytes of a too long line that are gone already

  constructor(private readonly limit = lineLimit) {}

  /** The free room behind what is held, at least 64 KiB. */
  space(): Buffer {
    if (this.#next > 0) {
      this.buffer.copyWithin(0, this.#next, this.#held);
      this.#held -= this.#next;
      this.#scanned -= this.#next;
      this.#next = 0;
    }
    if (this.buffer.length - this.#held < room / 4) {
      const larger = Buffer.allocUnsafeSlow(this.buffer.length * 2);
      this.buffer.copy(larger, 0, 0, this.#held);
      this.buffer = larger;
    }
    return this.buffer.subarray(this.#held);
  }

  filled(bytes: number): void {
    this.#held += bytes;
  }

  next(): 'line' | 'long' | 'more' {
    const at = this.buffer.subarray(0, this.#held).indexOf(newline, this.#scanned);
    if (at < 0) {
      if (this.#held - this.#next > this.limit) this.#skip(this.#held);
      this.#scanned = this.#held;
      return 'more';
    }
    this.start = this.#next;
    this.end = at;
    this.#next = this.#scanned = at + 1;
    this.length = this.#skipped + at - this.start;
    if (this.length <= this.limit) return 'line';
    if (this.#skipped === 0) this.head = Buffer.from(this.buffer.subarray(this.start, this.start + this.limit));
    this.#skipped = 0;
    return 'long';
  }

  /** At the end of input: gives the last line its newline where that is missing. */
  finish(): void {
    if (this.#held === this.#next && this.#skipped === 0) return;
    this.space()[0] = newline;
    this.filled(1);
  }

  #skip(to: number): void {
    if (this.#skipped === 0) this.head = Buffer.from(this.buffer.subarray(this.#next, this.#next + this.limit));
    this.#skipped += to - this.#next;
    this.#next = to;
  }
}
