import { now } from '../../schemas/pipe/run/now.js';

/**
 * The time in the events' own clock: that of the newest event, plus what has passed since it came. So the clock of another
 * host or of a recording may differ from ours. All times are in µs.
 */
export class Clock {
  #newest = 0;
  #arrived = 0;
  #isStopped = false;

  constructor(
    /** How many times as fast as recorded the events come; Infinity if they come at once. */
    private readonly speed: number,
    private readonly wall: () => number = () => now() * 1_000,
  ) {}

  /** Call this with the time of each event. */
  seen(ts: number): void {
    if (this.#isStopped || !(ts > this.now)) return;
    this.#newest = ts;
    this.#arrived = this.wall();
  }

  get now(): number {
    if (this.#newest === 0 || this.#isStopped || this.speed === Number.POSITIVE_INFINITY) return this.#newest;
    return this.#newest + (this.wall() - this.#arrived) * this.speed;
  }

  /** Stops the clock: the input has ended. */
  stop(): void {
    this.#newest = this.now;
    this.#isStopped = true;
  }
}
