/** Sums are exact up to 2^53. Lines that count once are not checked; there is room for 2^48 of them. */
const most = Number.MAX_SAFE_INTEGER - 2 ** 48;

/** Keeps the total of all counts below a limit, so that every sum is exact. */
export class Total {
  #sum = 0;
  /** Lines since the last report whose counts were too large to be added. */
  refused = 0;

  /** Adds a line's count to the total if it fits. Returns whether it does. */
  add(count: number): boolean {
    if (this.#sum + count > most) {
      this.refused++;
      return false;
    }
    this.#sum += count;
    return true;
  }
}
