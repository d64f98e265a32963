/** The thread that looked up a name or that connects, as far as the event says. */
export interface Party {
  readonly pid: number | undefined;
  readonly tid: number | undefined;
  readonly cgroup: string | undefined;
  readonly netns: number | undefined;
}

/** The answer of a dns event, for one of its addresses. Times are in microseconds since 1970. */
export interface Answer {
  readonly name: string;
  readonly asker: Party;
  readonly at: number;
  /** The last moment at which it is valid. */
  readonly until: number;
  readonly latency: number | undefined;
  /** When the asking thread first connected to the address between this answer and its next one; infinite if it did not. */
  used: number;
  /** Shared by all addresses of the look-up: when the thread first connected to one of them. */
  readonly lookup: { used: number };
}

/** From the innermost to the outermost. */
export const scopes = ['thread', 'process', 'cgroup', 'netns', 'host'] as const;
export type Scope = (typeof scopes)[number];

/** Returns the innermost scope that contains both, as an index into `scopes`. */
export function sharedScope(asker: Party, other: Party): number {
  if (asker.pid !== undefined && asker.pid === other.pid)
    return asker.tid !== undefined && asker.tid === other.tid ? 0 : 1;
  if (asker.cgroup !== undefined && asker.cgroup === other.cgroup) return 2;
  return asker.netns !== undefined && asker.netns === other.netns ? 3 : 4;
}

/** Inserts an answer by time, the newest last. */
export function insert(answers: Answer[], answer: Answer): void {
  let place = answers.length;
  while (place > 0 && (answers[place - 1] as Answer).at > answer.at) place--;
  if (place === answers.length) answers.push(answer);
  else answers.splice(place, 0, answer);
}

/** A set of processes as 64 bits, indexed by the last six bits of their IDs. */
export type ProcessBits = [number, number];

export function addProcess(bits: ProcessBits, pid: number | undefined): void {
  if (pid === undefined) return;
  const word = (pid >> 5) & 1;
  bits[word] = (bits[word] as number) | (1 << (pid & 31));
}
