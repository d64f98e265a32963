/** How many events in a row confirm that a clock has jumped. */
const enough = 3;
/** After this time without an event, a host no longer holds the others back, µs. */
const silence = 10e6;
/** Events that are at most this old when they arrive are live, µs. */
const liveWithin = 10e6;

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

/**
 * A group of hosts whose clocks agree within a bound, and the data (`of`) that belongs to their time. While events arrive,
 * time follows the events only, so that a replay gives the same result as the original run. While the input is idle, time
 * follows this machine's clock, if the newest event was live when it arrived.
 */
export class Timeline<T> {
  newest = Number.NEGATIVE_INFINITY;
  readonly hosts = new Set<HostClock<T>>();
  #slowest: HostClock<T> | undefined;
  #passed = Number.NEGATIVE_INFINITY;
  #idleNewest = Number.NEGATIVE_INFINITY; // the newest time when the input was last idle
  #idleSince = 0;
  #live = false;

  constructor(
    readonly of: T,
    /** A host that lags behind the newest time by more than this does not hold the others back, µs. */
    private readonly bound: number,
  ) {}

  /** Records a trusted time of one of its hosts. */
  observe(clock: HostClock<T>, time: number): void {
    if (time > clock.newest) clock.newest = time;
    if (clock.newest > this.newest) this.newest = clock.newest;
    clock.seenAt = this.newest;
  }

  join(clock: HostClock<T>): void {
    const ahead = clock.newest - this.newest;
    if (ahead > 0) for (const host of this.hosts) host.seenAt += ahead; // the others have not been silent for that time
    this.hosts.add(clock);
    clock.timeline = this;
    this.#slowest = undefined;
    this.observe(clock, clock.newest);
  }

  leave(clock: HostClock<T>): void {
    this.hosts.delete(clock);
    this.#slowest = undefined;
    this.newest = Math.max(...[...this.hosts].map(({ newest }) => newest));
  }

  /** The watermark: the time that all hosts have passed, except silent hosts and those that lag too far. */
  get passed(): number {
    if (this.hosts.size === 1) return this.newest;
    if (this.#slowest?.newest === this.#passed && this.holdsBack(this.#slowest)) return this.#passed;
    this.#slowest = undefined;
    for (const clock of this.hosts)
      if (this.holdsBack(clock) && !((this.#slowest?.newest ?? this.newest) < clock.newest)) this.#slowest = clock;
    this.#passed = this.#slowest?.newest ?? this.newest;
    return this.#passed;
  }

  /** The watermark while the input is idle. */
  idle(): number {
    const clock = Date.now() * 1e3;
    if (this.newest !== this.#idleNewest) {
      this.#idleNewest = this.newest;
      this.#idleSince = clock;
      this.#live = clock - this.newest <= liveWithin && this.newest - clock <= this.bound;
    }
    if (!this.#live) return this.passed;
    const now = this.newest + Math.max(0, clock - this.#idleSince);
    let passed = now;
    for (const host of this.hosts)
      if (this.holdsBack(host, now)) passed = Math.min(passed, host.newest + now - host.seenAt);
    return passed;
  }

  /** Whether time follows the machine's clock while the input is idle. */
  get live(): boolean {
    return this.#live;
  }

  /** Returns whether a host holds the others back. */
  holdsBack(clock: HostClock<T>, now = this.newest): boolean {
    return now - clock.seenAt <= silence && this.newest - clock.newest <= this.bound;
  }
}
