/**
 * The bounds of the buckets of a latency (s). The first SYN is sent again after 1 s, then after 2 s or 3 s (the kernel decides
 * which), so 1, 2 and 3 separate handshakes by the SYNs they took.
 */
export const latencyBounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10];
/** The bounds of the buckets of how long a connection lasts (s). */
export const durationBounds = [0.1, 1, 10, 60, 600, 3600, 21_600];

/** Adds up counts. The sum stays exact, and stops at the largest number for which that is possible. */
export const plus = (a: number, b: number) => Math.min(a + b, Number.MAX_SAFE_INTEGER);

/** Counts times in classic buckets. */
export class Histogram {
  /** The count of each bucket, not cumulative. The last one has no bound. */
  readonly counts: number[];
  /** The sum of all times, in µs, so that it is exact. */
  sumUs = 0;

  constructor(
    /** In seconds, rising. */
    readonly bounds: readonly number[],
  ) {
    this.counts = new Array(bounds.length + 1).fill(0);
  }

  /** Adds a time (µs) that was measured `times` times. */
  add(us: number, times: number): void {
    const { bounds, counts } = this;
    let at = 0;
    while (at < bounds.length && us > (bounds[at] as number) * 1e6) at++;
    counts[at] = plus(counts[at] as number, times);
    this.sumUs = plus(this.sumUs, us * times);
  }

  get count(): number {
    return this.counts.reduce(plus);
  }
}
