/** Waits for a read, and meanwhile for being woken. */
export class WakeableRead {
  #woken = false;
  #resume = () => {};

  wake(): void {
    this.#woken = true;
    this.#resume();
  }

  get woken(): boolean {
    return this.#woken;
  }

  /** Whether it was woken since it last said so. */
  taken(): boolean {
    const woken = this.#woken;
    this.#woken = false;
    return woken;
  }

  /** Each call resolves to the bytes read, or to undefined when woken before that. */
  until(read: Promise<number>): () => Promise<number | undefined> {
    let done = false;
    const settled = read.finally(() => {
      done = true;
      this.#resume();
    });
    settled.catch(() => {}); // whoever waits gets the error
    return async () => {
      if (!done && !this.#woken) {
        await new Promise<void>((resolve) => {
          this.#resume = resolve;
        });
      }
      if (done) return settled;
      this.taken();
      return undefined;
    };
  }
}
