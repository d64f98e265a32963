import { dnsName, member } from './text.js';

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
  /** When it was seen, and until when it holds, in milliseconds of the events' own time. */
  at: number;
  until: number;
  latency: number | undefined;
}

/** Programs go on to use an address some time after its TTL has run out. */
const graceMs = 60_000;
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
    const at = Date.parse(ts);
    const until = at + 1000 * Math.min(Math.max(ttl, this.ttl.min), this.ttl.max) + graceMs;
    for (const address of addrs) {
      const others = (this.#entries.get(address) ?? []).filter((one) => one.name !== name || one.netns !== netns);
      const all = [{ name, netns, at, until, latency }, ...others].sort((a, b) => b.at - a.at);
      this.#entries.delete(address); // so that it comes last again
      this.#entries.set(address, all.slice(0, mostNames));
    }
    while (this.#entries.size > this.limit) this.#entries.delete(this.#entries.keys().next().value as string);
  }

  /**
   * The fields for an attempt to this address at this time: of answers from before it that still held. Those of its own
   * network namespace come first, then those seen elsewhere: a resolver for all may run in another. Empty for none.
   */
  fields(address: string, netns: unknown, at: number): string {
    const valid = (this.#entries.get(address) ?? []).filter((one) => one.at <= at && at <= one.until);
    const own = valid.filter((one) => one.netns === netns);
    const [best] = own.length > 0 ? own : valid;
    if (!best) return '';
    const names = [...new Set([best, ...own, ...valid].map(({ name }) => name))];
    const all = names.length > 1 ? member('names', names) : '';
    const latency = best.latency === undefined ? '' : `,"dns_latency_us":${best.latency}`;
    return `${member('name', best.name)},"name_source":"dns","name_age_ms":${at - best.at}${all}${latency}`;
  }
}
