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

/** Returns the last of answers, in the order of their times, that came by a time, valid or not. */
export function lastAt(answers: readonly Answer[], at: number): Answer | undefined {
  return answers.findLast((answer) => answer.at <= at);
}

/** Returns the last of these that is valid then. */
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
 * Returns since when the answers of a thread are candidates for an attempt, where `last` is the last one by then. If the
 * thread has tried the address since: from that on. Else it follows that look-up, and what the thread had looked up and
 * used before is done with.
 */
export function candidatesSince(answers: readonly Answer[], last: Answer, at: number): number {
  if (last.used < at) return last.used;
  let since = Number.NEGATIVE_INFINITY;
  for (const { lookup } of answers) if (lookup.used < last.at && lookup.used > since) since = lookup.used;
  return since;
}

/** Notes that a thread tried the address, whose last answer by then this is. */
export function noteAttempt(last: Answer, at: number): void {
  last.used = Math.min(last.used, at);
  last.lookup.used = Math.min(last.lookup.used, at);
}
