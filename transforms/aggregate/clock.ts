import type { Timeline } from './timeline.js';

/** How many events in a row confirm that a clock has jumped. */
const enough = 3;

/** The clock of one host, as seen in its events. */
export class HostClock<T> {
  /** The newest time that is trusted, µs. */
  newest = Number.NEGATIVE_INFINITY;
  /** Its timeline's newest time when the host's last event came. */
  seenAt = Number.NEGATIVE_INFINITY;
  timeline: Timeline<T> | undefined;
  #jumps: number[] = []; // consecutive times out of bounds, all in the same direction

  /** Forgets unconfirmed jumps, because an event within bounds has come. */
  settle(): void {
    if (this.#jumps.length > 0) this.#jumps = [];
  }

  /**
   * Records a time that is further than `bound` from the newest time. Returns whether the clock has jumped. It jumps after
   * several such times in a row: to the nearest of them, and from there to those that are within bounds of it.
   */
  jump(time: number, bound: number): boolean {
    const before = this.newest;
    const [first] = this.#jumps;
    if (first !== undefined && first > before !== time > before) this.#jumps = [];
    this.#jumps.push(time);
    if (this.#jumps.length < enough) return false;
    this.#jumps.sort((a, b) => Math.abs(a - before) - Math.abs(b - before));
    this.newest = this.#jumps[0] as number;
    for (const next of this.#jumps) if (next - this.newest <= bound) this.newest = Math.max(this.newest, next);
    this.#jumps = this.#jumps.filter((one) => one > this.newest);
    return true;
  }
}
