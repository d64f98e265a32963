import { type Answer, type ProcessBits, type Scope, scopes } from './answer.js';
import { type Candidates, candidatesAt, candidatesSince, lastAt, latestAt, noteAttempt } from './candidates.js';

/** The answers with an attempt's address. */
export interface AnswerLists {
  /** When the most recent of the answers came. */
  readonly newest: number;
  readonly askers: ProcessBits;
  /** The answers that the attempt's own thread got, in order of time. */
  readonly thread: readonly Answer[];
  /** Whether all of the thread's answers are known to have the same name. */
  readonly sameName: boolean;
  /** Returns the candidates of another scope of the attempt at a time. */
  candidates(scope: number, at: number): Candidates;
}

/** The name of an attempt is that of the first answer. If there are several answers, it is a guess. */
export interface NameChoice {
  readonly scope: Scope;
  readonly answers: readonly Answer[];
  /** Whether there may be more answers. */
  readonly cut: boolean;
  /** When another attempt of the thread may get other candidates. */
  until: number;
}

/** Chooses the name of an attempt from the innermost scope that has one, and records the attempt. */
export function choose(lists: AnswerLists, at: number, outermost: number): NameChoice {
  const choice = fromThread(lists, at) ?? fromOthers(lists, at, outermost);
  if (at < lists.newest) choice.until = at + 1; // a later attempt may know more
  return choice;
}

/**
 * If the thread has looked up a single name since its last attempt, the attempt uses that name. If it has looked up
 * several names, the attempt uses one of them. If it has looked up nothing, the attempt uses an earlier answer, perhaps one
 * that another thread of the process got.
 */
function fromThread({ thread, sameName, candidates }: AnswerLists, at: number): NameChoice | undefined {
  const own = latestAt(thread, at);
  const last = lastAt(thread, at);
  if (!own || !last) return undefined;
  const follows = sameName && own === last && last.used >= at;
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

function fromOthers({ candidates }: AnswerLists, at: number, outermost: number): NameChoice {
  for (let scope = 1; ; scope++) {
    const { answers, cut, until } = candidates(scope, at);
    if (answers.length > 0 || scope === outermost) return { scope: scopes[scope] as Scope, answers, cut, until };
  }
}
