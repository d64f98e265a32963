const form = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

/** A time of the contract in µs since 1970; NaN of anything else. */
export function micros(text: unknown): number {
  if (typeof text !== 'string' || !form.test(text)) return Number.NaN;
  return Date.parse(`${text.slice(0, 19)}Z`) * 1000 + Number(text.slice(20, 26));
}

/** The other way: RFC 3339 with µs. */
export function momentText(us: number): string {
  const ms = Math.floor(us / 1000);
  return `${new Date(ms).toISOString().slice(0, -1)}${String(us - ms * 1000).padStart(3, '0')}Z`;
}

/** Time goes by. All in µs. */
export interface Time {
  /** Since 1970. */
  now(): number;
  /** Rejects when it is aborted. */
  sleep(us: number, signal: AbortSignal): Promise<void>;
}

/** When recorded moments come again: the first one now, the others as far from it as they were, divided by the speed. */
export class Clock {
  #first = Number.NaN;
  #start = 0;

  /** A speed of Infinity knows no distances: every moment comes now. */
  constructor(
    private readonly speed: number,
    private readonly now: () => number,
  ) {}

  at(moment: number): number {
    if (this.speed === Number.POSITIVE_INFINITY) return this.now();
    if (Number.isNaN(this.#first)) {
      this.#first = moment;
      this.#start = this.now();
    }
    return this.#start + Math.round((moment - this.#first) / this.speed);
  }

  /** All moments from here on come earlier by so many µs. */
  skip(us: number): void {
    this.#start -= us;
  }
}
