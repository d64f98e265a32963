import type { Connect, Outcome, Summary } from '../../generated/events.js';
import { printable } from '../messages/printable.js';
import { endpoint } from './endpoint.js';
import { count } from './human.js';

/** How many causes to count. */
const most = 1_000;

const phrases: Record<string, string> = {
  refused: 'refused by',
  timeout: 'timed out to',
  unreachable: 'unreachable:',
  reset: 'reset by',
  denied: 'denied to',
  aborted: 'given up to',
};
const resultOf: Record<string, string> = {
  ECONNREFUSED: 'refused',
  ETIMEDOUT: 'timeout',
  ENETUNREACH: 'unreachable',
  EHOSTUNREACH: 'unreachable',
  ECONNRESET: 'reset',
  EACCES: 'denied',
  EPERM: 'denied',
};

/** Returns why an attempt failed: `refused by 10.0.0.7:5432`, `EADDRNOTAVAIL to 10.0.0.7:443`. */
export function causeOf(event: Connect | Outcome): string {
  const { error = '' } = event;
  const result = event.type === 'outcome' ? event.result : resultOf[error];
  return cause(result, error, endpoint(event));
}

/** Returns the causes of the failures that a summary counts, each with its number. */
export function causesIn(event: Summary): [string, number][] {
  const at = placeOf(event);
  return [...Object.keys(phrases), 'error'].flatMap((result) => {
    const number = event[`result_${result}` as 'result_error'] ?? 0;
    return number > 0 ? [[cause(result, event.error ?? '', at), number]] : [];
  });
}

/** Returns what a group says about its remote end; an empty text if it says nothing. */
function placeOf({ daddr, name = daddr, dest = name, dport }: Summary): string {
  if (dest === undefined) return dport === undefined ? '' : `port ${dport}`;
  return dport === undefined ? printable(dest) : endpoint({ daddr: dest, name: dest, dport });
}

function cause(result: string | undefined, error: string, at: string): string {
  const phrase = phrases[result ?? ''] ?? `${error || result} to`;
  return at === '' ? phrase.replace(/ (by|to)$|:$/, '') : `${phrase} ${at}`;
}

/** Counts causes in bounded memory, by the algorithm of Misra and Gries: the counts of frequent causes are lower limits. */
export class Causes {
  readonly #counts = new Map<string, number>();
  #isCut = false;

  add(cause: string, number: number): void {
    const known = this.#counts.get(cause) ?? 0;
    const left = known === 0 && this.#counts.size === most ? number - this.#cut(number) : number;
    if (left > 0) this.#counts.set(cause, known + left);
  }

  /** Lowers all counts by the smallest one, but not by more than this. Returns by how much. */
  #cut(limit: number): number {
    this.#isCut = true;
    const by = Math.min(limit, ...this.#counts.values());
    for (const [cause, number] of this.#counts) {
      if (number === by) this.#counts.delete(cause);
      else this.#counts.set(cause, number - by);
    }
    return by;
  }

  /** Returns the most frequent cause of `failed` failures, and how many have others: ` (31 refused by 10.0.0.7:5432, 9 other)` */
  text(failed: number): string {
    const [cause, number] = [...this.#counts].reduce((a, b) => (b[1] > a[1] ? b : a), ['', 0]);
    if (number === 0) return '';
    if (number === failed) return failed === 1 ? ` (${cause})` : ` (all ${cause})`;
    if (this.#isCut) return ` (at least ${count(number)} ${cause})`;
    return ` (${count(number)} ${cause}, ${count(failed - number)} other)`;
  }
}
