import { sameBits } from '../../schemas/pipe/line/address.js';
import { addressBytes, reverseName } from './ip.js';
import type { Failure, Resolver } from './resolver.js';
import { dnsName, maxNames, member, namesText } from './text.js';

/** Why an event gets no name from a reverse look-up. */
export type Missing = Failure | 'none' | 'late' | 'busy';

/** The reverse look-up of one address. When it is `done`, it has the names, or the reason why the look-up failed. */
export interface Lookup {
  readonly address: string;
  /** When its server was asked, in the time of performance.now(); infinite before. */
  since: number;
  done: boolean;
  /** Until when its result is valid, in the time of performance.now(). */
  until: number;
  /** The resolver's epoch when it started. */
  epoch: number;
  names: string[];
  missing?: Missing;
  /** Its fields: `,"name":…`. */
  text: string;
}

export interface Limits {
  concurrency: number;
  /** Minimum and maximum time for which an answer is valid, in seconds. */
  minTtl: number;
  maxTtl: number;
  verify: boolean;
}

/** If more look-ups than this are queued, those that no event waits for are cancelled. */
const queueLimit = 8192;
/** How long a failed look-up is not repeated. */
const failureMs = 5_000;

/** Runs reverse look-ups through one resolver, a limited number at a time. The caller keeps the results. */
export class Reverse {
  readonly #waiting = new Map<string, Lookup>();
  #running = 0;

  constructor(
    private readonly resolver: Resolver,
    private readonly limits: Limits,
    private readonly done: (lookup: Lookup) => void,
  ) {}

  /** Whether at least one server can be asked now. */
  get usable(): boolean {
    return this.resolver.usable;
  }

  /**
   * Returns whether the result of a look-up is still valid. It is not after its time is over. A result without a name is not
   * valid either once the servers have changed or silent servers can be asked again.
   */
  isValid({ until, names, missing, epoch }: Lookup, now: number): boolean {
    if (until <= now) return false;
    const { usable } = this; // read first, because it updates the epoch
    return names.length > 0 || (epoch === this.resolver.epoch && !(missing === 'silent' && usable));
  }

  /** Starts a look-up. If no server can be asked, it is done at once. */
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

  /** Notes that no event waits for a look-up any more. It is cancelled if it has not started and the queue is too long. */
  abandon(lookup: Lookup): void {
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
    const unlisted = names.splice(maxNames).length > 0;
    const verified = this.limits.verify ? await this.#verified(names, bytes) : undefined;
    if (verified) names.unshift(...names.splice(names.indexOf(verified), 1));
    this.#end(
      lookup,
      names.length > 0 ? { names, until, text: fields(names, verified, unlisted) } : { missing: 'none', until },
    );
  }

  /** Returns the first of the names that resolves to the address. */
  async #verified(names: string[], address: Uint8Array): Promise<string | undefined> {
    for (const name of names) {
      if (name.includes('\\')) continue; // not a valid host name
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
