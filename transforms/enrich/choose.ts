import { type Answer, type ProcessBits, type Scope, scopes } from './answer.js';
import { type Candidates, candidatesAt, candidatesSince, lastAt, latestAt, noteAttempt } from './candidates.js';

/** What was answered for an attempt's address. */
export interface Lists {
  /** When the most recent of the answers came. */
  readonly newest: number;
  readonly askers: ProcessBits;
  /** The answers that the attempt's own thread got, in the order of their times. */
  readonly thread: readonly Answer[];
  /** Known: all of these have one name. */
  readonly alike: boolean;
  /** What another scope of the attempt knew at a time. */
  candidates(scope: number, at: number): Candidates;
}

/** The name of an attempt: the first candidate, a guess if there are others; none if there are no candidates. */
export interface Choice {
  readonly scope: Scope;
  readonly answers: readonly Answer[];
  /** There may be more. */
  readonly cut: boolean;
  /** From when on another attempt of the thread may get other candidates. */
  until: number;
}

/** Chooses the name of an attempt from the innermost scope that has one, and notes the attempt. */
export function choose(lists: Lists, at: number, outermost: number): Choice {
  const choice = fromThread(lists, at) ?? fromOthers(lists, at, outermost);
  if (at < lists.newest) choice.until = at + 1; // a later attempt may know more
  return choice;
}

/**
 * If the thread looked a single name up since its last attempt, this attempt follows that look-up. If it looked up several,
 * it is one of these. If it looked up none, it uses an answer from before: perhaps one that another thread of its process got.
 */
function fromThread({ thread, alike, candidates }: Lists, at: number): Choice | undefined {
  const own = latestAt(thread, at);
  const last = lastAt(thread, at);
  if (!own || !last) return undefined;
  const follows = alike && own === last && last.used >= at;
  const recent = follows
    ? { answers: [own], cut: false, until: own.until + 1 }
    : candidatesAt(thread, at, candidatesSince(thread, last, at));
  noteAttempt(last, at);
  const process = candidates(1, at);
  const others = process.answers.filter(({ name }) => name !== own.name);
  const until = Math.min(process.until, own.until + 1);
  if (recent.answers.length === 0) return { scope: 'thread', answers: [own, ...others], cut: process.cut, until };
  const changes = others.length > 0 || process.cut; // for the thread's next attempt
  return { scope: 'thread', answers: recent.answers, cut: recent.cut, until: changes ? at + 1 : until };
}

function fromOthers({ candidates }: Lists, at: number, outermost: number): Choice {
  for (let scope = 1; ; scope++) {
    const { answers, cut, until } = candidates(scope, at);
    if (answers.length > 0 || scope === outermost) return { scope: scopes[scope] as Scope, answers, cut, until };
  }
}
