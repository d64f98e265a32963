import { dnsName, member } from './text.js';
import { micros } from './time.js';

/** A `dns` event's fields that matter here. */
export interface Answer {
  ts: string;
  netns?: number;
  name: string;
  addrs: readonly string[];
  ttl: number;
  latency_us?: number;
}

interface Entry {
  name: string;
  netns: number | undefined;
  /** When it was seen, and until when it holds, in microseconds of the events' own time. */
  at: number;
  until: number;
  latency: number | undefined;
}

/** Programs go on to use an address some time after its TTL has run out. */
const grace = 60_000_000;
const mostNames = 8;

/** The names that processes asked for, by the addresses they were told. At most so many addresses, the last ones. */
export class Seen {
  readonly #entries = new Map<string, Entry[]>();

  constructor(
    private readonly limit: number,
    private readonly ttl: { min: number; max: number },
  ) {}

  get size(): number {
    return this.#entries.size;
  }

  add({ ts, netns, name: asked, addrs, ttl, latency_us: latency }: Answer): void {
    const name = dnsName(asked, true);
    if (name === undefined) return;
    const at = micros(ts);
    const until = at + 1_000_000 * Math.min(Math.max(ttl, this.ttl.min), this.ttl.max) + grace;
    for (const address of addrs) {
      const others = (this.#entries.get(address) ?? []).filter((one) => one.name !== name || one.netns !== netns);
      const all = [{ name, netns, at, until, latency }, ...others].sort((a, b) => b.at - a.at);
      this.#entries.delete(address); // so that it comes last again
      this.#entries.set(address, all.slice(0, mostNames));
    }
    while (this.#entries.size > this.limit) this.#entries.delete(this.#entries.keys().next().value as string);
  }

  /**
   * The name for an attempt to this address at this time, from answers before it that still held. Those of its own
   * network namespace come first, then those seen elsewhere: a resolver for all may run in another.
   */
  find(address: string, netns: unknown, at: number): Told | undefined {
    const all = this.#entries.get(address) ?? [];
    const valid = all.filter((one) => one.at <= at && at <= one.until);
    const own = valid.filter((one) => one.netns === netns);
    const [best] = own.length > 0 ? own : valid;
    if (!best) return undefined;
    const names = [...new Set([best, ...own, ...valid].map(({ name }) => name))];
    const several = names.length > 1 ? member('names', names) : '';
    const latency = best.latency === undefined ? '' : `,"dns_latency_us":${best.latency}`;
    const changes = all.flatMap((one) => [one.at, one.until + 1]);
    return {
      at: best.at,
      before: `${member('name', best.name)},"name_source":"dns","name_age_ms":`,
      after: several + latency,
      from: Math.max(...changes.filter((one) => one <= at)),
      until: Math.min(...changes.filter((one) => one > at)),
    };
  }
}

/** The fields that a name of the wire gives: those before and after its age. The same for all times in [from, until). */
export interface Told {
  at: number;
  before: string;
  after: string;
  from: number;
  until: number;
}

export function toldText({ at, before, after }: Told, attempt: number): string {
  return `${before}${age(at, attempt)}${after}`;
}

/** From the answer to the attempt, in whole milliseconds. */
export function age(answer: number, attempt: number): number {
  return Math.floor((attempt - answer) / 1000);
}
