/** The mean age (s) with which events count towards a rate. An event of this age counts 37 % of a new one. */
const memory = 10;

/** A number of events per second that fades: an event counts less the older it is. Times are in µs. */
export class Rate {
  weight = 0;
  newest = 0;

  add(now: number, times: number): void {
    this.weight = this.weight * faded(now - this.newest) + times;
    this.newest = Math.max(this.newest, now);
  }

  clear(): void {
    this.weight = this.newest = 0;
  }

  copy(): Rate {
    return Object.assign(new Rate(), this);
  }

  /** Returns the rate, if events have been counted since `start`. */
  at(now: number, start: number): number {
    const seen = Math.max(1e6, now - start);
    return (this.weight * faded(now - this.newest)) / (memory * (1 - faded(seen)));
  }
}

const faded = (us: number) => Math.exp(-Math.max(0, us) / (memory * 1e6));
