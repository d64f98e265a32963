import { type Answer, type Scope, scopes } from './answer.js';
import { type Candidates, candidatesAt, noteAttempt, previousAttempt } from './candidates.js';

/** What was answered for an attempt's address. */
export interface Lists {
  /** When the most recent of the answers came. */
  readonly newest: number;
  /** The answers that the attempt's own thread got, in the order of their times. */
  readonly thread: readonly Answer[];
  /** What another scope of the attempt knew at a time. */
  candidates(scope: number, at: number): Candidates;
}

/** The name of an attempt: the first candidate, a guess if there are others; none if there are no candidates. */
export interface Choice extends Candidates {
  readonly scope: Scope;
}

/** Chooses the name of an attempt from the innermost scope that has one, and notes the attempt. */
export function choose(lists: Lists, at: number, outermost: number): Choice {
  const found = fromThread(lists, at) ?? fromOthers(lists, at, outermost);
  return at < lists.newest ? { ...found, until: at + 1 } : found;
}

/**
 * If the thread looked a single name up since its last attempt, this attempt follows that look-up. If it looked up several,
 * it is one of these. If it looked up none, it uses an answer from before: perhaps one that another thread of its process got.
 */
function fromThread({ thread, candidates }: Lists, at: number): Choice | undefined {
  const [own] = candidatesAt(thread, at).answers;
  if (!own) return undefined;
  const recent = candidatesAt(thread, at, previousAttempt(thread, at));
  noteAttempt(thread, at);
  const process = candidates(1, at);
  const scope = scopes[0];
  const others = process.answers.filter(({ name }) => name !== own.name);
  const until = Math.min(process.until, own.until + 1);
  if (recent.answers.length === 0) return { answers: [own, ...others], cut: process.cut, until, scope };
  const changes = others.length > 0 || process.cut; // for the thread's next attempt
  return { ...recent, scope, until: changes ? at + 1 : until };
}

function fromOthers({ candidates }: Lists, at: number, outermost: number): Choice {
  for (let scope = 1; scope < outermost; scope++) {
    const found = candidates(scope, at);
    if (found.answers.length > 0) return { ...found, scope: scopes[scope] as Scope };
  }
  return { ...candidates(outermost, at), scope: scopes[outermost] as Scope };
}
