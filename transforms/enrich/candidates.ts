import type { Answer } from './answer.js';
import { maxNames } from './text.js';

/** The names that an address may have at one time: for each name its latest valid answer, the most recent first. */
export interface Candidates {
  readonly answers: readonly Answer[];
  /** Whether there may be more. */
  readonly cut: boolean;
  /** When the candidates change, unless a new answer comes first. */
  readonly until: number;
}

/** Returns the last answer that came by a time, valid or not. The answers are in order of time. */
export function lastAt(answers: readonly Answer[], at: number): Answer | undefined {
  return answers.findLast((answer) => answer.at <= at);
}

/** Returns the last answer that had come by a time and was still valid at that time. The answers are in order of time. */
export function latestAt(answers: readonly Answer[], at: number): Answer | undefined {
  return answers.findLast((answer) => answer.at <= at && at <= answer.until);
}

/** Returns the candidates at a time among the answers after `since`. The answers are in order of time. */
export function candidatesAt(answers: readonly Answer[], at: number, since = Number.NEGATIVE_INFINITY): Candidates {
  const found: Answer[] = [];
  let until = Number.POSITIVE_INFINITY;
  for (let i = answers.length - 1; i >= 0 && found.length <= maxNames; i--) {
    const answer = answers[i] as Answer;
    if (answer.at <= since) break;
    if (answer.at > at || at > answer.until) continue;
    if (found.some(({ name }) => name === answer.name)) continue;
    found.push(answer);
    until = Math.min(until, answer.until + 1);
  }
  return { answers: found, cut: found.length > maxNames, until };
}

/**
 * Returns the time after which the answers of a thread are candidates for its attempt at `at`; `last` is the last answer
 * by then. If the thread has connected to the address since `last`, that is the time of this connect. If not, the attempt
 * follows the look-up of `last`, and look-ups that the thread used before that are no longer candidates.
 */
export function candidatesSince(answers: readonly Answer[], last: Answer, at: number): number {
  if (last.used < at) return last.used;
  let since = Number.NEGATIVE_INFINITY;
  for (const { lookup } of answers) if (lookup.used < last.at && lookup.used > since) since = lookup.used;
  return since;
}

/** Records that a thread connects to the address; `last` is its last answer by then. */
export function noteAttempt(last: Answer, at: number): void {
  last.used = Math.min(last.used, at);
  last.lookup.used = Math.min(last.lookup.used, at);
}
