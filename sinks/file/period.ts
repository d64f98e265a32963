const longestTimer = 60_000;

/**
 * The time spans that files are for, aligned to the UTC clock. Each call reads the clock, so setting the clock does no harm.
 * A period never moves back: a closed file stays closed.
 */
export class Period {
  /** When the current period started (ms since the epoch). */
  start: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly every: number | undefined,
    private readonly now = Date.now,
  ) {
    this.start = this.#currentStart();
  }

  /** Whether the current period is over. */
  get over(): boolean {
    return this.every !== undefined && this.#currentStart() > this.start;
  }

  /** Moves `start` to the next period if the current one is over. Returns whether it moved. */
  advance(): boolean {
    if (this.every === undefined) return false;
    const start = this.#currentStart();
    if (start <= this.start) return false;
    this.start = start;
    return true;
  }

  /** Calls `wake` when the next period may have started. */
  watch(wake: () => void): void {
    clearTimeout(this.#timer);
    if (this.every === undefined) return;
    const left = this.start + this.every - this.now();
    // A timer may fire slightly early.
    this.#timer = setTimeout(wake, Math.min(Math.max(left, 0) + 2, longestTimer)).unref();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #currentStart(): number {
    const now = this.now();
    return this.every === undefined ? now : Math.floor(now / this.every) * this.every;
  }
}
