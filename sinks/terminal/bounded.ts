/**
 * A map whose keys others choose. When it is full, it drops its less important half, and passes each dropped entry to
 * `dropped`. New entries are made of dropped ones, so that a port scan leaves little garbage.
 */
export class Bounded<V> extends Map<string, V> {
  readonly #spare: V[] = [];

  constructor(
    private readonly most: number,
    private readonly importance: (value: V) => number,
    private readonly dropped: (value: V) => void,
  ) {
    super();
  }

  /** Returns the value of a key. If the key is new, makes its value, with parts of a dropped one if possible. */
  at(key: string, make: (spare: V | undefined) => V): V {
    const known = this.get(key);
    if (known !== undefined) return known;
    if (this.size >= this.most) this.#drop();
    const value = make(this.#spare.pop());
    this.set(key, value);
    return value;
  }

  #drop(): void {
    const ranked = [...this].map(([key, value]) => ({ key, value, rank: this.importance(value) }));
    ranked.sort((a, b) => a.rank - b.rank);
    for (const { key, value } of ranked.slice(0, ranked.length >> 1)) {
      this.delete(key);
      this.dropped(value);
      this.#spare.push(value);
    }
  }
}
