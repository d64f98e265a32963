import { LRUCache } from 'lru-cache';
import type { Database } from './databases.js';
import { addressBytes, isPrivate } from './ip.js';
import type { Lookup, Missing, Reverse } from './reverse.js';
import type { Answer, Seen } from './seen.js';
import { member } from './text.js';

/** What is known of one address beside what was seen on the wire. */
export interface Place {
  readonly address: string;
  readonly bytes: Uint8Array;
  readonly private: boolean;
  /** Where `tellings` counts the answers on the wire that told this address, or one of a few others. */
  readonly mark: number;
  lookup?: Lookup | undefined;
  /** Its names in the hosts file, as fields too, and which reading of the file they are from. */
  hosts: readonly string[];
  hostsText: string;
  from?: ReadonlyMap<string, string[]>;
}

/** Who may be asked: nobody when offline. Addresses that mean nothing outside have a resolver of their own. */
export interface Asked {
  all?: Reverse;
  private?: Reverse;
}

const marks = 4096;

/** The names of addresses: those seen on the wire first, then the hosts file, then reverse look-ups. */
export class Names {
  readonly tellings = new Int32Array(marks);
  #known: LRUCache<string, Place> | undefined;
  #marks = 0;

  constructor(
    readonly seen: Seen,
    private readonly hosts: Database<string, string[]>,
    private readonly asked: Asked,
    private readonly cache: number,
  ) {}

  /** Made when there is an address to keep: it has room for all from the start. */
  get #places(): LRUCache<string, Place> {
    this.#known ??= new LRUCache({ max: this.cache });
    return this.#known;
  }

  /** @param address as events have it */
  place(address: string): Place {
    let place = this.#places.get(address);
    if (!place) {
      const bytes = addressBytes(address) as Uint8Array;
      place = { address, bytes, private: isPrivate(bytes), mark: this.#marks++ % marks, hosts: [], hostsText: '' };
      this.#places.set(address, place);
    }
    if (place.from !== this.hosts.entries) {
      place.from = this.hosts.entries;
      place.hosts = (place.from.size > 0 && place.from.get(place.bytes.join())) || [];
      const all = place.hosts.length > 1 ? member('names', place.hosts) : '';
      place.hostsText = place.hosts.length > 0 ? `${member('name', place.hosts[0])},"name_source":"hosts"${all}` : '';
    }
    return place;
  }

  /** An answer that was seen on the wire. */
  tell(answer: Answer): void {
    if (!(answer as Partial<Answer>).addrs) return; // it failed
    this.seen.add(answer);
    for (const address of answer.addrs) {
      const place = this.#places.peek(address);
      if (place) this.tellings[place.mark] = ((this.tellings[place.mark] as number) + 1) | 0;
    }
  }

  /** The look-up of an address: the one of before, where that still holds, or a new one; none where nobody is asked. */
  lookup(place: Place, now: number): Lookup | undefined {
    const { lookup } = place;
    const reverse = this.#asked(place);
    const asks = lookup?.missing === 'silent' && reverse?.usable;
    if (lookup && (!lookup.done || (lookup.until > now && !asks))) return lookup;
    place.lookup = reverse?.start(place.address);
    return place.lookup;
  }

  /** Nobody waits for a look-up any more. */
  leave(place: Place, lookup: Lookup): void {
    this.#asked(place)?.leave(lookup);
  }

  #asked(place: Place): Reverse | undefined {
    return place.private ? this.asked.private : this.asked.all;
  }
}

/** Why an event goes on without a name. */
export type Reason = Missing | 'offline';

/** Why a look-up gives no name to an event that goes on now. */
export function missing(lookup: Lookup | undefined): Reason {
  if (!lookup) return 'offline';
  return lookup.done ? (lookup.missing ?? 'none') : 'late';
}
