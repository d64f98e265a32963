/**
 * A map that finds its oldest entry in constant time. A plain Map does not: to reach its first entry it steps over the
 * entries deleted before it, which can be half of its size.
 */
export class AgingMap<K, V> extends Map<K, V> {
  /** An iterator past the oldest entry if that is known, else before it. */
  #rest = this.keys();
  #oldest: { key: K } | undefined;

  /** The key of the entry inserted first. */
  get oldest(): K | undefined {
    this.#oldest ??= this.#next();
    return this.#oldest?.key;
  }

  override delete(key: K): boolean {
    if (this.#oldest?.key === key) this.#oldest = undefined;
    return super.delete(key);
  }

  override clear(): void {
    super.clear();
    this.#oldest = undefined;
  }

  #next(): { key: K } | undefined {
    let { done, value } = this.#rest.next();
    if (done) {
      this.#rest = this.keys(); // an iterator that has reached the end stays there
      ({ done, value } = this.#rest.next());
    }
    return done ? undefined : { key: value as K };
  }
}
