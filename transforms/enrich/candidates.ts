import type { Answer } from './answer.js';
import { mostNames } from './text.js';

/** The names that an address may have at one time: for each its latest valid answer, the most recent first. */
export interface Candidates {
  readonly answers: readonly Answer[];
  /** There may be more. */
  readonly cut: boolean;
  /** From when on there are others, unless a new answer comes first. */
  readonly until: number;
}

/** Returns the latest of answers, in the order of their times, that is valid at a time. */
export function latestAt(answers: readonly Answer[], at: number): Answer | undefined {
  return answers.findLast((answer) => answer.at <= at && at <= answer.until);
}

/** Returns the candidates at a time among answers in the order of their times, of those after `since`. */
export function candidatesAt(answers: readonly Answer[], at: number, since = Number.NEGATIVE_INFINITY): Candidates {
  const found: Answer[] = [];
  let until = Number.POSITIVE_INFINITY;
  for (let i = answers.length - 1; i >= 0 && found.length <= mostNames; i--) {
    const answer = answers[i] as Answer;
    if (answer.at <= since) break;
    if (answer.at > at || at > answer.until) continue;
    if (found.some(({ name }) => name === answer.name)) continue;
    found.push(answer);
    until = Math.min(until, answer.until + 1);
  }
  return { answers: found, cut: found.length > mostNames, until };
}

/**
 * Returns since when the answers of a thread are candidates for an attempt. If it has tried the address since its last
 * answer: since then. Else it follows that look-up, and all that the thread had looked up before and has used is done with.
 */
export function candidatesSince(answers: readonly Answer[], at: number): number {
  let last = answers.length - 1;
  while (last >= 0 && (answers[last] as Answer).at > at) last--;
  if (last < 0) return Number.NEGATIVE_INFINITY;
  const { used } = answers[last] as Answer;
  if (used < at) return used;
  let since = Number.NEGATIVE_INFINITY;
  for (let i = last - 1; i >= 0; i--) {
    const { lookup } = answers[i] as Answer;
    if (lookup.used < at && lookup.used > since) since = lookup.used;
  }
  return since;
}

/** Notes that a thread tried the address, in the latest of its answers by then. */
export function noteAttempt(answers: readonly Answer[], at: number): void {
  const last = answers.findLast((answer) => answer.at <= at);
  if (!last) return;
  last.used = Math.min(last.used, at);
  last.lookup.used = Math.min(last.lookup.used, at);
}
