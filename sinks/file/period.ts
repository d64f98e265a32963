const longestTimer = 60_000;

/**
 * The stretches of time that files are for, aligned to the UTC clock. The clock is looked at when it is asked, so that
 * setting it does no harm, and time never goes back: a file that was closed stays closed.
 */
export class Period {
  /** When the current one began, in ms since the epoch. */
  start: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly every: number | undefined,
    private readonly now = Date.now,
  ) {
    this.start = this.#begin();
  }

  /** Whether it is over. */
  get over(): boolean {
    return this.every !== undefined && this.#begin() > this.start;
  }

  /** Whether another one has begun; `start` is then its beginning. */
  moved(): boolean {
    if (this.every === undefined) return false;
    const begin = this.#begin();
    if (begin <= this.start) return false;
    this.start = begin;
    return true;
  }

  /** Calls back when the next one may have begun. */
  watch(wake: () => void): void {
    clearTimeout(this.#timer);
    if (this.every === undefined) return;
    const left = this.start + this.every - this.now();
    // A timer may be a little earlier than the clock.
    this.#timer = setTimeout(wake, Math.min(Math.max(left, 0) + 2, longestTimer)).unref();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #begin(): number {
    const now = this.now();
    return this.every === undefined ? now : Math.floor(now / this.every) * this.every;
  }
}
