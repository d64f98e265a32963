/**
 * A map that finds its oldest entry in constant time. A plain Map does not: to reach its first entry it steps over the
 * entries deleted before it, which can be half of its size.
 */
export class AgingMap<K, V> extends Map<K, V> {
  /** An iterator past the oldest entry if that is known, else before it. */
  #rest: MapIterator<K> | undefined;
  #oldest: { key: K } | undefined;
  #additions = 0; // since #rest moved

  /** The key of the entry inserted first. */
  get oldest(): K | undefined {
    this.#oldest ??= this.#next();
    return this.#oldest?.key;
  }

  override set(key: K, value: V): this {
    // A map moves to new memory now and then. V8 keeps all that it has left since an iterator last moved, and would do so
    // without end if nobody asks for the oldest entry.
    if (this.#rest && ++this.#additions > this.size + 16) this.#rest = undefined;
    return super.set(key, value);
  }

  override delete(key: K): boolean {
    if (this.#oldest?.key === key) this.#oldest = undefined;
    return super.delete(key);
  }

  override clear(): void {
    super.clear();
    this.#rest = this.#oldest = undefined;
  }

  #next(): { key: K } | undefined {
    this.#additions = 0;
    this.#rest ??= this.keys();
    let { done, value } = this.#rest.next();
    if (done) {
      this.#rest = this.keys(); // an iterator that has reached the end stays there
      ({ done, value } = this.#rest.next());
    }
    return done ? undefined : { key: value as K };
  }
}
