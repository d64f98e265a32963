/** Sums are exact up to 2^53. Lines that count for one are not asked: there is room for 2^48 of them. */
const most = Number.MAX_SAFE_INTEGER - 2 ** 48;

/** All that was ever counted, so that every sum of it is exact. */
export class Total {
  #sum = 0;
  /** Lines whose numbers were too large to be added, since that was reported. */
  refused = 0;

  /** Counts a line's number. Returns whether it may be added. */
  add(count: number): boolean {
    if (this.#sum + count > most) {
      this.refused++;
      return false;
    }
    this.#sum += count;
    return true;
  }
}
