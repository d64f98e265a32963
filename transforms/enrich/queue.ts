/** Lines that wait, in their order, with a bound on how many and on how much they hold. */
export class Queue<T extends { bytes: Buffer }> {
  #items: T[] = [];
  #head = 0;
  #bytes = 0;
  #pushed = 0;

  constructor(
    private readonly mostItems = 65_536,
    private readonly mostBytes = 32 << 20,
  ) {}

  get length(): number {
    return this.#items.length - this.#head;
  }

  get first(): T | undefined {
    return this.#items[this.#head];
  }

  /** No more should be put in. */
  get full(): boolean {
    return this.length >= this.mostItems || this.#bytes >= this.mostBytes;
  }

  push(item: T): void {
    this.#items.push(item);
    this.#pushed++;
    this.#bytes += item.bytes.length;
  }

  /** Returns a test of whether all items that are in it now have been taken out. */
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
