/** The time, and a way to wait. All values are in µs. */
export interface Time {
  /** Since 1970. */
  now(): number;
  /** Rejects if it is aborted. */
  sleep(us: number, signal: AbortSignal): Promise<void>;
}

/** Maps recorded moments to the present: the first one to now, the others at their recorded distance divided by the speed. */
export class Clock {
  #first = Number.NaN;
  #start = 0;

  /** With a speed of Infinity, every moment is now. */
  constructor(
    private readonly speed: number,
    private readonly now: () => number,
  ) {}

  /** Returns when a recorded moment comes again. */
  at(moment: number): number {
    if (this.speed === Number.POSITIVE_INFINITY) return this.now();
    if (Number.isNaN(this.#first)) {
      this.#first = moment;
      this.#start = this.now();
    }
    return this.#start + Math.round((moment - this.#first) / this.speed);
  }

  /** Moves all further moments `us` µs earlier. */
  skip(us: number): void {
    this.#start -= us;
  }
}
