import type { Dns } from '../../schemas/generated/events.js';
import { AgingMap } from '../../schemas/pipe/stage/aging-map.js';
import { type AttemptEvent, micros } from './attempt.js';

/** How many addresses to remember, and how many look-ups of each. */
const most = { addresses: 10_000, each: 16 };
/** How long after its answer has expired an address may still be used (µs). */
const grace = 60e6;

interface Kept {
  event: Dns;
  at: number;
  until: number;
  /** Whether it has been selected. */
  matches: boolean;
}

/** The recent look-ups that gave addresses. */
export class Lookups {
  readonly #byAddress = new AgingMap<string, Kept[]>();

  add(event: Dns, matches: boolean): void {
    const at = micros(event.ts);
    const kept = { event, at, until: at + (event.ttl ?? 0) * 1e6 + grace, matches };
    for (const address of event.addrs ?? []) {
      const known = this.#byAddress.get(address) ?? [];
      known.push(kept);
      if (known.length > most.each) known.shift();
      this.#byAddress.delete(address); // so that it becomes the newest
      this.#byAddress.set(address, known);
      if (this.#byAddress.size > most.addresses) this.#byAddress.delete(this.#byAddress.oldest as string);
    }
  }

  /**
   * Returns the look-up that an attempt of that time used: the newest one of its name by its own thread or process, or by
   * any process if `enrich` has named the attempt. If the attempt has no name, only its own process's look-ups count.
   */
  of(event: AttemptEvent, at: number): Kept | undefined {
    const { name, name_source } = event;
    if (name !== undefined && name_source !== 'dns') return undefined;
    let best: Kept | undefined;
    let bestRank = name === undefined ? 0 : -1;
    for (const one of this.#byAddress.get(event.daddr)?.toReversed() ?? []) {
      if (one.at > at || at > one.until || (name !== undefined && one.event.name !== name)) continue;
      const rank = rankOf(one.event, event);
      if (rank > bestRank) [best, bestRank] = [one, rank];
    }
    return best;
  }
}

/** How likely a look-up was made for an attempt: by the same thread, the same process, or others. */
function rankOf(lookup: Dns, event: AttemptEvent): number {
  if (lookup.pid === undefined || lookup.pid !== event.pid) return 0;
  return lookup.tid === event.tid ? 2 : 1;
}
