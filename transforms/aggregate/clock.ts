import type { Timeline } from './timeline.js';

/** How many events in a row confirm that a clock has jumped. */
const enough = 3;

/** The clock of one host, as its events show it. */
export class HostClock<T> {
  /** The newest time that is trusted, µs. */
  newest = Number.NEGATIVE_INFINITY;
  /** Its timeline's newest time when its last event came. */
  seenAt = Number.NEGATIVE_INFINITY;
  timeline: Timeline<T> | undefined;
  #jumps: number[] = []; // times out of bounds, one after the other in one direction

  /** Forgets jumps that were not confirmed: an event has come that is within bounds. */
  settle(): void {
    if (this.#jumps.length > 0) this.#jumps = [];
  }

  /**
   * Notes a time that is further than `bound` from the newest one. Returns whether the clock has jumped: after several
   * such times in a row, to the nearest of them and to those that follow it.
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
