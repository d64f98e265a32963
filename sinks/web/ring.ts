/** At most this many bytes of lines are kept, however long they are. */
const most = 64 << 20;

/** The last lines, oldest first, each with its running number, from 0. */
export class Ring {
  readonly #lines: (Buffer | undefined)[];
  #bytes = 0;
  /** The number of the oldest line that is kept. */
  first = 0;
  /** The number that the next line gets: how many there have been. */
  next = 0;

  constructor(readonly size: number) {
    this.#lines = new Array(size);
  }

  add(line: Buffer): void {
    if (this.next - this.first === this.size) this.#forget();
    this.#lines[this.next++ % this.size] = line;
    this.#bytes += line.length;
    while (this.#bytes > most) this.#forget();
  }

  /** The line of that number; undefined once it is forgotten. */
  at(number: number): Buffer | undefined {
    return number < this.first ? undefined : this.#lines[number % this.size];
  }

  #forget(): void {
    const at = this.first++ % this.size;
    this.#bytes -= this.#lines[at]?.length ?? 0;
    this.#lines[at] = undefined;
  }
}
