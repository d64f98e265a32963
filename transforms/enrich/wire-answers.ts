import type { Dns } from '../../schemas/generated/events.js';
import { micros } from '../../schemas/pipe/line/moment.js';
import { type Answer, type Party, type ProcessBits, scopes, sharedScope } from './answer.js';
import { type Candidates, candidatesAt } from './candidates.js';
import { type AnswerLists, choose, type NameChoice } from './choose.js';
import { History } from './history.js';
import { unmapped } from './ip.js';
import { Sequence } from './sequence.js';
import { Store } from './store.js';
import { dnsName } from './text.js';

/** The fields of a `dns` event that matter here. A look-up that failed has no addresses. */
export type DnsEvent = Pick<Dns, 'ts' | 'name' | 'ttl' | 'latency_us'> & Partial<Party> & { addrs?: readonly string[] };

export interface Attempt extends Party {
  readonly address: string;
  /** When it was made, in microseconds since 1970. */
  readonly at: number;
  /** Whether the address means the machine that uses it. Answers of other processes do not apply to it. */
  readonly own: boolean;
}

export interface Found {
  choice: NameChoice;
  /** The processes that looked up the address. No other process has answers. */
  askers: ProcessBits;
}

/** Programs use an address for some time after its TTL has expired, µs. */
const grace = 60_000_000;
/** Up to this many answers of an address are kept in one list, which is searched for each scope. */
const few = 16;
const maxOfThread = 128;
const none: Candidates = { answers: [], cut: false, until: Number.POSITIVE_INFINITY };
const outermost = scopes.length - 1;

/** The most recent answers of dns events, by address: what each scope knew at which time. */
export class WireAnswers {
  readonly #few: Store<Sequence>;
  readonly #threads: Store<Sequence>;
  /** The lists of all scopes but threads. An address with a list for the host is in these, any other address in `few`. */
  readonly #scopes: Store<History>;

  constructor(
    limit: number,
    private readonly ttl: { min: number; max: number },
  ) {
    this.#few = new Store(limit, () => new Sequence(few + 1));
    this.#threads = new Store(limit / 4, () => new Sequence(maxOfThread));
    this.#scopes = new Store(limit / 2, () => new History());
  }

  /** Adds the answer of a dns event. Returns its addresses. */
  add({ ts, name: asked, addrs = [], ttl = 0, latency_us: latency, pid, tid, cgroup, netns }: DnsEvent): string[] {
    const name = dnsName(asked, true);
    if (name === undefined) return [];
    const at = micros(ts);
    const until = at + 1_000_000 * Math.min(Math.max(ttl, this.ttl.min), this.ttl.max) + grace;
    const asker = { pid, tid, cgroup, netns };
    const addresses = addrs.map(unmapped);
    const used = Number.POSITIVE_INFINITY;
    const lookup = { used };
    for (const address of addresses) this.#add(address, { name, asker, at, until, latency, used, lookup });
    return addresses;
  }

  /** Returns the name of an attempt, or undefined if no process looked up its address. Records the attempt. */
  find(attempt: Attempt): Found | undefined {
    const lists = this.#listsOf(attempt);
    return lists && { askers: lists.askers, choice: choose(lists, attempt.at, attempt.own ? 1 : outermost) };
  }

  #add(address: string, answer: Answer): void {
    if (this.#scopes.get(hostKey(address))) {
      this.#addToScopes(address, answer);
      return;
    }
    const { answers } = this.#few.add(address, answer);
    if (answers.length <= few) return;
    this.#few.delete(address);
    for (const one of answers) this.#addToScopes(address, one);
  }

  /** Adds to the host's list last, so that it is dropped last of all lists of the address. */
  #addToScopes(address: string, answer: Answer): void {
    for (let scope = 0; scope <= outermost; scope++) {
      const list = listKey(scope, address, answer.asker);
      if (list === undefined) continue;
      if (scope === 0) this.#threads.add(list, answer);
      else this.#scopes.add(list, answer);
    }
  }

  #listsOf(attempt: Attempt): AnswerLists | undefined {
    const { address } = attempt;
    const list = this.#few.get(address);
    if (list) {
      const { answers } = list;
      const within = (scope: number) => answers.filter(({ asker }) => sharedScope(asker, attempt) <= scope);
      return {
        newest: list.newest,
        askers: list.askers,
        thread: within(0),
        sameName: false,
        candidates: (scope, at) => candidatesAt(within(scope), at),
      };
    }
    const host = this.#scopes.get(hostKey(address));
    if (!host) return undefined;
    const key = listKey(0, address, attempt);
    const thread = key === undefined ? undefined : this.#threads.get(key);
    return {
      newest: host.newest,
      askers: host.askers,
      thread: thread?.answers ?? [],
      sameName: thread?.sameName === true,
      candidates: (scope, at) => {
        const list = listKey(scope, address, attempt);
        return (list === undefined ? undefined : this.#scopes.get(list)?.candidates(at)) ?? none;
      },
    };
  }
}

const hostKey = (address: string) => `host ${address}`;

/** Returns the key of a party's list for an address, or undefined if the party's scope is not known. */
function listKey(scope: number, address: string, { pid, tid, cgroup, netns }: Party): string | undefined {
  if (scope === 0) return pid === undefined || tid === undefined ? undefined : `${pid} ${tid} ${address}`;
  if (scope === outermost) return hostKey(address);
  const id = [pid, cgroup, netns][scope - 1];
  return id === undefined ? undefined : `${scopes[scope]} ${id} ${address}`;
}
