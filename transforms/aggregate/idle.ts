/** An event whose time is at most this far from the clock, when it comes, is live, µs. */
const liveWithin = 10e6;
const longest = 3600e3; // ms; a timer for later is set anew

/**
 * Event time while no events come. As long as they come it is theirs alone, so that a replay gives what the original
 * run did. Where the newest was live when it came, time goes on with the clock from there while the input is idle.
 */
export class Idle {
  /** The newest event's time, µs. */
  newest = Number.NEGATIVE_INFINITY;
  #seen = Number.NEGATIVE_INFINITY;
  #came = 0;
  #live = false;
  #timer: NodeJS.Timeout | undefined;

  /** Now, in event time; to be asked when the input has paused. */
  now(): number {
    const clock = Date.now() * 1e3;
    if (this.newest !== this.#seen) {
      this.#seen = this.newest;
      this.#came = clock;
      this.#live = Math.abs(clock - this.newest) <= liveWithin;
    }
    return this.#live ? this.newest + Math.max(0, clock - this.#came) : this.newest;
  }

  /** Calls `wake` when it is so late, if it ever will be. Replaces what was set before. */
  at(time: number | undefined, wake: () => void): void {
    clearTimeout(this.#timer);
    if (time === undefined || !this.#live) return;
    this.#timer = setTimeout(wake, Math.min(Math.max(0, (time - this.now()) / 1e3) + 1, longest));
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
