import { addressBytes, reverseName, sameBits } from './ip.js';
import type { Failure, Resolver } from './resolver.js';
import { dnsName, member, mostNames, namesText } from './text.js';

/** Why an event goes on without a name by reverse look-up. */
export type Missing = Failure | 'none' | 'late' | 'busy';

/** The reverse look-up of one address: under way until it is `done`, then its names or why there are none. */
export interface Lookup {
  readonly address: string;
  /** When its server was asked, in the time of performance.now(); infinite before. */
  since: number;
  done: boolean;
  /** Until when it holds, in the time of performance.now(). */
  until: number;
  /** Which servers it was for: the resolver's epoch. */
  epoch: number;
  names: string[];
  missing?: Missing;
  /** The fields it gives: `,"name":…`. */
  text: string;
}

export interface Limits {
  concurrency: number;
  /** Least and most time that an answer holds, in seconds. */
  minTtl: number;
  maxTtl: number;
  verify: boolean;
}

/** So many addresses wait to be asked for, beside those of events that still wait. */
const queueLimit = 8192;
/** How long a failure holds: it says nothing of the address. */
const failureMs = 5_000;

/** Reverse look-ups through one resolver: a few at a time, one for each address. What they give is kept elsewhere. */
export class Reverse {
  readonly #waiting = new Map<string, Lookup>();
  #running = 0;

  constructor(
    private readonly resolver: Resolver,
    private readonly limits: Limits,
    private readonly done: (lookup: Lookup) => void,
  ) {}

  /** Whether asking makes sense now. */
  get usable(): boolean {
    return this.resolver.usable;
  }

  /**
   * Whether what a look-up gave still holds: not once its time is over, nor, if it gave no name, once there are other
   * servers to ask or silent ones may be asked again.
   */
  holds({ until, names, missing, epoch }: Lookup, now: number): boolean {
    if (until <= now) return false;
    const { usable } = this; // first, since it sees other servers
    return names.length > 0 || (epoch === this.resolver.epoch && !(missing === 'silent' && usable));
  }

  /** Starts a look-up. Where no server is worth asking it is over at once. */
  start(address: string): Lookup {
    const never = Number.POSITIVE_INFINITY;
    const { usable } = this;
    const { epoch } = this.resolver;
    const lookup: Lookup = { address, since: never, done: false, until: never, epoch, names: [], text: '' };
    if (!usable) return Object.assign(lookup, { done: true, until: this.resolver.askAgain, missing: 'silent' });
    this.#waiting.set(address, lookup);
    this.#next();
    return lookup;
  }

  /** Nobody waits for it any more. One that has not begun is given up where too many wait. */
  leave(lookup: Lookup): void {
    if (this.#waiting.size > queueLimit && this.#waiting.get(lookup.address) === lookup) {
      this.#waiting.delete(lookup.address);
      this.#end(lookup, { missing: 'busy', until: 0 });
    }
  }

  #next(): void {
    for (const [address, lookup] of this.#waiting) {
      if (this.#running >= this.limits.concurrency) return;
      this.#waiting.delete(address);
      this.#running++;
      lookup.since = performance.now();
      void this.#run(lookup).finally(() => {
        this.#running--;
        this.#next();
      });
    }
  }

  async #run(lookup: Lookup): Promise<void> {
    const bytes = addressBytes(lookup.address) as Uint8Array;
    const reply = await this.resolver.ask(reverseName(bytes), 'PTR');
    const now = performance.now();
    if (typeof reply === 'string') {
      this.#end(lookup, { missing: reply, until: reply === 'silent' ? this.resolver.askAgain : now + failureMs });
      return;
    }
    const until = now + 1000 * Math.min(Math.max(reply.ttl, this.limits.minTtl), this.limits.maxTtl);
    const names = [...new Set(reply.data.flatMap((name) => dnsName(name) ?? []))].sort();
    const unlisted = names.splice(mostNames).length > 0;
    const verified = this.limits.verify ? await this.#verified(names, bytes) : undefined;
    if (verified) names.unshift(...names.splice(names.indexOf(verified), 1));
    this.#end(
      lookup,
      names.length > 0 ? { names, until, text: fields(names, verified, unlisted) } : { missing: 'none', until },
    );
  }

  /** The first of the names that has the address. */
  async #verified(names: string[], address: Uint8Array): Promise<string | undefined> {
    for (const name of names) {
      if (name.includes('\\')) continue; // no host has such a name
      const reply = await this.resolver.ask(name, address.length === 4 ? 'A' : 'AAAA');
      if (typeof reply === 'string') continue;
      if (reply.data.some((text) => sameBits(addressBytes(text) ?? new Uint8Array(0), address))) return name;
    }
    return undefined;
  }

  #end(lookup: Lookup, result: Partial<Lookup>): void {
    Object.assign(lookup, result, { done: true });
    this.done(lookup);
  }
}

function fields(names: string[], verified: string | undefined, cut: boolean): string {
  const verification = verified ? ',"name_verified":true' : '';
  return `${member('name', names[0])},"name_source":"ptr"${verification}${namesText(names, cut)}`;
}
