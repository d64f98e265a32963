/** Who asked for a name, or who connects: as far as the event says. */
export interface Party {
  readonly pid: number | undefined;
  readonly tid: number | undefined;
  readonly cgroup: string | undefined;
  readonly netns: number | undefined;
}

/** An answer of the wire, for one of its addresses. Times are in microseconds since 1970. */
export interface Answer {
  readonly name: string;
  readonly asker: Party;
  readonly at: number;
  /** The last moment for which it counts. */
  readonly until: number;
  readonly latency: number | undefined;
  /** When the asking thread first tried the address between this answer and its next one; infinite if it did not. */
  used: number;
  /** The look-up, which its other addresses share: when the thread first tried one of them. */
  readonly lookup: { used: number };
}

/** From the innermost to the outermost. */
export const scopes = ['thread', 'process', 'cgroup', 'netns', 'host'] as const;
export type Scope = (typeof scopes)[number];

/** Returns the innermost scope that both are in, as its index in `scopes`. */
export function sharedScope(asker: Party, other: Party): number {
  if (asker.pid !== undefined && asker.pid === other.pid)
    return asker.tid !== undefined && asker.tid === other.tid ? 0 : 1;
  if (asker.cgroup !== undefined && asker.cgroup === other.cgroup) return 2;
  return asker.netns !== undefined && asker.netns === other.netns ? 3 : 4;
}

/** Puts an answer in its place by time, the newest last. */
export function insert(answers: Answer[], answer: Answer): void {
  let place = answers.length;
  while (place > 0 && (answers[place - 1] as Answer).at > answer.at) place--;
  if (place === answers.length) answers.push(answer);
  else answers.splice(place, 0, answer);
}

/** The IDs of processes as 64 bits, by their last six bits. */
export type ProcessBits = [number, number];

export function addProcess(bits: ProcessBits, pid: number | undefined): void {
  if (pid === undefined) return;
  const word = (pid >> 5) & 1;
  bits[word] = (bits[word] as number) | (1 << (pid & 31));
}
