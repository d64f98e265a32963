/** Waits for a read, or until it is woken. */
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

  /** Returns whether it was woken since the last call, and resets that. */
  taken(): boolean {
    const woken = this.#woken;
    this.#woken = false;
    return woken;
  }

  /** Returns a function; each call of it resolves to the bytes read, or to undefined if it is woken first. */
  until(read: Promise<number>): () => Promise<number | undefined> {
    let done = false;
    const settled = read.finally(() => {
      done = true;
      this.#resume();
    });
    settled.catch(() => {}); // the caller that waits gets the error
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
