import { LRUCache } from 'lru-cache';
import { marks } from './addition-cache.layout.js';
import type { Database } from './databases.js';
import { addressBytes, isOwn, isPrivate, unmapped } from './ip.js';
import type { Lookup, Missing, Reverse } from './reverse.js';
import { member, namesText } from './text.js';
import type { Attempt, DnsEvent, WireAnswers } from './wire-answers.js';
import { type WireName, wireName } from './wire-name.js';

/** What is known about one address, apart from dns events. */
export interface AddressEntry {
  readonly address: string;
  readonly bytes: Uint8Array;
  readonly private: boolean;
  /** Whether it means the machine that uses it (loopback, unspecified). */
  readonly own: boolean;
  /** The index into `answerCounts`, which this address shares with a few others. */
  readonly mark: number;
  lookup?: Lookup | undefined;
  /** Its names in the hosts file, the same as fields, and the version of the file that they are from. */
  hosts: readonly string[];
  hostsText: string;
  from?: ReadonlyMap<string, string[]>;
}

/** The name from dns events, if any. It is the same for attempts of the same thread from this attempt until `until`, in µs. */
export interface Wire {
  name: WireName | undefined;
  until: number;
  /** The processes that looked up the address, as 64 bits by the last bits of their IDs. No other process has answers. */
  askers: readonly [number, number];
}

/** The reverse look-ups for public and for private addresses. Both are left out when offline. */
export interface ReverseLookups {
  public?: Reverse;
  private?: Reverse;
}

/** Returns the mark of an address, which is not unique. */
function markOf(address: string): number {
  let hash = 0;
  for (let i = 0; i < address.length; i++) hash = Math.imul(hash, 31) + address.charCodeAt(i);
  return (hash ^ (hash >>> 12) ^ (hash >>> 24)) & (marks - 1);
}

/** The names of addresses: from dns events first, then from the hosts file, then from reverse look-ups. */
export class Names {
  /** How many answers named the addresses of each mark. */
  readonly answerCounts = new Int32Array(marks);
  #entryCache: LRUCache<string, AddressEntry> | undefined;

  constructor(
    private readonly answers: WireAnswers,
    private readonly hosts: Database<string, string[]>,
    private readonly reverse: ReverseLookups,
    private readonly cache: number,
  ) {}

  /** Created at first use, because it reserves room for all entries. */
  get #entries(): LRUCache<string, AddressEntry> {
    this.#entryCache ??= new LRUCache({ max: this.cache });
    return this.#entryCache;
  }

  /** @param given the address as it is written in the event */
  entry(given: string): AddressEntry {
    let entry = this.#entries.get(given);
    if (!entry) {
      const address = unmapped(given);
      const bytes = addressBytes(address) as Uint8Array;
      entry = {
        address,
        bytes,
        private: isPrivate(bytes),
        own: isOwn(bytes),
        mark: markOf(address),
        hosts: [],
        hostsText: '',
      };
      this.#entries.set(given, entry);
    }
    if (entry.from !== this.hosts.entries) {
      entry.from = this.hosts.entries;
      entry.hosts = (entry.from.size > 0 && entry.from.get(entry.bytes.join())) || [];
      const all = namesText(entry.hosts);
      entry.hostsText = entry.hosts.length > 0 ? `${member('name', entry.hosts[0])},"name_source":"hosts"${all}` : '';
    }
    return entry;
  }

  /** Adds the answer of a dns event. */
  addAnswer(event: DnsEvent): void {
    for (const address of this.answers.add(event)) {
      const mark = markOf(address);
      this.answerCounts[mark] = ((this.answerCounts[mark] as number) + 1) | 0;
    }
  }

  /** Returns what dns events say for an attempt. For the machine's own addresses, the hosts file comes first. */
  wire(entry: AddressEntry, attempt: Attempt): Wire | undefined {
    const found = entry.own && entry.hostsText ? undefined : this.answers.find(attempt);
    return found && { name: wireName(found.choice), until: found.choice.until, askers: found.askers };
  }

  /** Returns the look-up of an address: the last one if its result is still valid, else a new one. Undefined when offline. */
  lookup(entry: AddressEntry, now: number): Lookup | undefined {
    const { lookup } = entry;
    const reverse = this.#reverseFor(entry);
    if (lookup && (!lookup.done || reverse?.isValid(lookup, now))) return lookup;
    entry.lookup = reverse?.start(entry.address);
    return entry.lookup;
  }

  /** Stops waiting for a look-up. */
  abandon(entry: AddressEntry, lookup: Lookup): void {
    this.#reverseFor(entry)?.abandon(lookup);
  }

  #reverseFor(entry: AddressEntry): Reverse | undefined {
    return entry.private ? this.reverse.private : this.reverse.public;
  }
}

/** Why an event gets no name. */
export type Reason = Missing | 'offline';

/** Returns why a look-up gives no name to an event that is written now. */
export function missingReason(lookup: Lookup | undefined): Reason {
  if (!lookup) return 'offline';
  return lookup.done ? (lookup.missing ?? 'none') : 'late';
}
