/** A queue of lines, bounded by their number and their size. */
export class Queue<T extends { bytes: Buffer }> {
  #items: T[] = [];
  #head = 0;
  #bytes = 0;
  #pushed = 0;

  constructor(
    private readonly maxItems = 65_536,
    private readonly maxBytes = 32 << 20,
  ) {}

  get length(): number {
    return this.#items.length - this.#head;
  }

  get first(): T | undefined {
    return this.#items[this.#head];
  }

  /** Whether the queue is full. The caller must not push then. */
  get full(): boolean {
    return this.length >= this.maxItems || this.#bytes >= this.maxBytes;
  }

  push(item: T): void {
    this.#items.push(item);
    this.#pushed++;
    this.#bytes += item.bytes.length;
  }

  /** Returns a function that tests whether all items that are in the queue now have been taken out. */
  mark(): () => boolean {
    const last = this.#pushed;
    return () => this.#pushed - this.length >= last;
  }

  shift(): void {
    this.#bytes -= this.#items[this.#head++]?.bytes.length ?? 0;
    if (this.#head * 2 < this.#items.length || this.#head < 1024) {
      if (this.#head < this.#items.length) return;
    }
    this.#items = this.#items.slice(this.#head);
    this.#head = 0;
  }
}
