/** An observed DNS answer, or an attempt. Times are in microseconds; unknown fields are undefined. */
interface Party {
  pid?: number | undefined;
  tid?: number | undefined;
  cgroup?: string | undefined;
  netns?: number | undefined;
}
export interface ModelAnswer extends Party {
  name: string;
  address: string;
  at: number;
  until: number;
  /** The same number for all addresses of a look-up. */
  lookup: number;
}
export interface ModelAttempt extends Party {
  address: string;
  at: number;
}

const has = (one: unknown, other: unknown) => one !== undefined && one === other;
const inScope: Record<string, (one: Party, other: Party) => boolean> = {
  thread: (one, other) => has(one.pid, other.pid) && has(one.tid, other.tid),
  process: (one, other) => has(one.pid, other.pid),
  cgroup: (one, other) => has(one.cgroup, other.cgroup),
  netns: (one, other) => has(one.netns, other.netns),
  host: () => true,
};

/** What enrich should say, if it kept all events and searched them again each time. */
export class Model {
  readonly #answers: ModelAnswer[] = [];
  /** Attempts that followed an answer to their thread. */
  readonly #tries: { attempt: ModelAttempt; answer: ModelAnswer }[] = [];

  answer(answer: ModelAnswer): void {
    this.#answers.push(answer);
  }

  attempt(attempt: ModelAttempt): Record<string, unknown> {
    const { address, at } = attempt;
    const valid = this.#answers.filter((one) => one.address === address && one.at <= at && at <= one.until);
    const toThread = this.#answers.filter(
      (one) => one.address === address && one.at <= at && inScope.thread?.(one, attempt),
    );
    const last = toThread.at(-1);
    const since = this.#since(toThread, at);
    if (last && valid.some((one) => inScope.thread?.(one, attempt))) this.#tries.push({ attempt, answer: last });
    const own = address.startsWith('127.');
    for (const [scope, within] of Object.entries(inScope)) {
      if (own && scope === 'cgroup') return {};
      const known = valid.filter((one) => within(one, attempt)).sort((one, other) => other.at - one.at);
      const [best] = known;
      if (!best) continue;
      const recent = known.filter((one) => one.at > since);
      const inProcess = valid.filter((one) => inScope.process?.(one, attempt)).sort((one, other) => other.at - one.at);
      const candidates = scope !== 'thread' ? known : recent.length > 0 ? recent : [best, ...inProcess];
      const names = [...new Set(candidates.map(({ name }) => name))];
      return {
        name: best.name,
        name_scope: scope,
        name_age_ms: Math.floor((at - best.at) / 1000),
        ...(names.length > 1 && { name_ambiguous: true, names: names.slice(0, 8) }),
        ...(names.length > 8 && { names_cut: true }),
      };
    }
    return {};
  }

  /** The time since which answers to a thread are candidates: see transforms/README.md. */
  #since(toThread: readonly ModelAnswer[], at: number): number {
    const last = toThread.at(-1);
    const earlier = this.#tries.filter((one) => one.attempt.at < at);
    const tried = earlier.filter(({ answer }) => answer === last).map((one) => one.attempt.at);
    if (tried.length > 0) return Math.min(...tried);
    const before = toThread.slice(0, -1).map(({ lookup }) => {
      const tries = this.#tries.filter(({ answer }) => answer.lookup === lookup);
      const first = Math.min(...tries.map((one) => one.attempt.at));
      return last && first < last.at ? first : Number.NEGATIVE_INFINITY;
    });
    return Math.max(Number.NEGATIVE_INFINITY, ...before);
  }
}
