import { LRUCache } from 'lru-cache';
import type { Wire } from './addition.js';
import type { Database } from './databases.js';
import { addressBytes, isOwn, isPrivate, unmapped } from './ip.js';
import type { Lookup, Missing, Reverse } from './reverse.js';
import type { Attempt, DnsEvent, Seen } from './seen.js';
import { member, namesText } from './text.js';
import { wireName } from './wire-name.js';

/** What is known of one address beside what was seen on the wire. */
export interface Place {
  readonly address: string;
  readonly bytes: Uint8Array;
  readonly private: boolean;
  /** It means the machine that uses it. */
  readonly own: boolean;
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

/** Returns the mark of an address: a few others may have the same. */
function markOf(address: string): number {
  let hash = 0;
  for (let i = 0; i < address.length; i++) hash = Math.imul(hash, 31) + address.charCodeAt(i);
  return (hash ^ (hash >>> 12) ^ (hash >>> 24)) & (marks - 1);
}

/** The names of addresses: those seen on the wire first, then the hosts file, then reverse look-ups. */
export class Names {
  readonly tellings = new Int32Array(marks);
  #known: LRUCache<string, Place> | undefined;

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

  /** @param given as events have it */
  place(given: string): Place {
    let place = this.#places.get(given);
    if (!place) {
      const address = unmapped(given);
      const bytes = addressBytes(address) as Uint8Array;
      place = {
        address,
        bytes,
        private: isPrivate(bytes),
        own: isOwn(bytes),
        mark: markOf(address),
        hosts: [],
        hostsText: '',
      };
      this.#places.set(given, place);
    }
    if (place.from !== this.hosts.entries) {
      place.from = this.hosts.entries;
      place.hosts = (place.from.size > 0 && place.from.get(place.bytes.join())) || [];
      const all = namesText(place.hosts);
      place.hostsText = place.hosts.length > 0 ? `${member('name', place.hosts[0])},"name_source":"hosts"${all}` : '';
    }
    return place;
  }

  /** Takes an answer that was seen on the wire. */
  tell(event: DnsEvent): void {
    for (const address of this.seen.add(event)) {
      const mark = markOf(address);
      this.tellings[mark] = ((this.tellings[mark] as number) + 1) | 0;
    }
  }

  /** What was seen on the wire for an attempt. For the machine's own addresses the hosts file comes first. */
  wire(place: Place, attempt: Attempt): Wire | undefined {
    const found = place.own && place.hostsText ? undefined : this.seen.find(attempt);
    return found && { name: wireName(found.choice), until: found.choice.until, askers: found.askers };
  }

  /** The look-up of an address: the one of before, where that still holds, or a new one; none where nobody is asked. */
  lookup(place: Place, now: number): Lookup | undefined {
    const { lookup } = place;
    const reverse = this.#asked(place);
    if (lookup && (!lookup.done || reverse?.holds(lookup, now))) return lookup;
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
