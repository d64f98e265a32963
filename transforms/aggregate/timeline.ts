import type { HostClock } from './clock.js';

/** A host without an event for so long no longer holds the others back, µs. */
const silence = 10e6;
/** Events that are at most so old when they come are live, µs. */
const liveWithin = 10e6;

/**
 * Hosts whose clocks agree within a bound, and what belongs to their time. As long as events come, their times alone
 * count, so that a replay gives what the original run did. If the newest was live when it came, time goes on with the
 * machine's clock while the input is idle.
 */
export class Timeline<T> {
  newest = Number.NEGATIVE_INFINITY;
  readonly hosts = new Set<HostClock<T>>();
  #slowest: HostClock<T> | undefined;
  #passed = Number.NEGATIVE_INFINITY;
  #noted = Number.NEGATIVE_INFINITY; // the newest time when the input was idle last
  #came = 0;
  #live = false;

  constructor(
    readonly of: T,
    /** How far a host may be behind the newest time and hold the others back, µs. */
    private readonly bound: number,
  ) {}

  /** Notes a trusted time of one of its hosts. */
  saw(clock: HostClock<T>, time: number): void {
    if (time > clock.newest) clock.newest = time;
    if (clock.newest > this.newest) this.newest = clock.newest;
    clock.seenAt = this.newest;
  }

  join(clock: HostClock<T>): void {
    const ahead = clock.newest - this.newest;
    if (ahead > 0) for (const host of this.hosts) host.seenAt += ahead; // the others were not silent for that long
    this.hosts.add(clock);
    clock.timeline = this;
    this.#slowest = undefined;
    this.saw(clock, clock.newest);
  }

  leave(clock: HostClock<T>): void {
    this.hosts.delete(clock);
    this.#slowest = undefined;
    this.newest = Math.max(...[...this.hosts].map(({ newest }) => newest));
  }

  /** The watermark: the time that all hosts have passed that are not silent or far behind. */
  get passed(): number {
    if (this.hosts.size === 1) return this.newest;
    if (this.#slowest?.newest === this.#passed && this.holds(this.#slowest)) return this.#passed;
    this.#slowest = undefined;
    for (const clock of this.hosts)
      if (this.holds(clock) && !((this.#slowest?.newest ?? this.newest) < clock.newest)) this.#slowest = clock;
    this.#passed = this.#slowest?.newest ?? this.newest;
    return this.#passed;
  }

  /** The watermark while the input is idle. */
  idle(): number {
    const clock = Date.now() * 1e3;
    if (this.newest !== this.#noted) {
      this.#noted = this.newest;
      this.#came = clock;
      this.#live = clock - this.newest <= liveWithin && this.newest - clock <= this.bound;
    }
    if (!this.#live) return this.passed;
    const now = this.newest + Math.max(0, clock - this.#came);
    let passed = now;
    for (const host of this.hosts)
      if (this.holds(host, now)) passed = Math.min(passed, host.newest + now - host.seenAt);
    return passed;
  }

  /** Whether time goes on while the input is idle. */
  get live(): boolean {
    return this.#live;
  }

  /** Whether a host holds the others back. */
  holds(clock: HostClock<T>, now = this.newest): boolean {
    return now - clock.seenAt <= silence && this.newest - clock.newest <= this.bound;
  }
}
