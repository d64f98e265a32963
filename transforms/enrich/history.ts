import { type Answer, addProcess, insert, type ProcessBits } from './answer.js';
import { type Candidates, latestAt } from './candidates.js';
import { maxNames } from './text.js';

/** An outcome comes up to about two minutes after its call, so older repetitions of a name are not needed, µs. */
const lateness = 180_000_000;
const maxPerName = 64;
const maxKept = 64;

/** The answers that one scope got for one address, by name. Both names and answers are bounded. */
export class History {
  /** For each name its answers in order of time; the name with the most recent answer is last. */
  #names: Answer[][] = [];
  /** The time until which at least one of the names that were dropped for lack of room was valid. */
  #droppedUntil = 0;
  #size = 0;
  /** When the most recent answer came. */
  newest = 0;
  /** The processes that asked, including those whose answers were dropped. */
  readonly askers: ProcessBits = [0, 0];
  moved = Number.NEGATIVE_INFINITY;

  get size(): number {
    return this.#size;
  }

  add(answer: Answer): void {
    this.newest = Math.max(this.newest, answer.at);
    addProcess(this.askers, answer.asker.pid);
    const names = this.#names;
    let known = names.length - 1;
    while (known >= 0 && names[known]?.[0]?.name !== answer.name) known--;
    const [answers] = known < 0 ? [] : names.splice(known, 1);
    if (!answers) {
      this.#put([answer]);
      return;
    }
    this.#size -= answers.length;
    insert(answers, answer);
    this.#put(thinned(answers));
  }

  candidates(at: number): Candidates {
    const found: Answer[] = [];
    for (let i = this.#names.length - 1; i >= 0; i--) {
      const answers = this.#names[i] as Answer[];
      const valid = latestAt(answers, at);
      if (valid) found.push(valid);
      if (found.length > maxNames && newestOf(answers) <= at) break; // the others are older
    }
    const dropped = at <= this.#droppedUntil;
    const ends = found.map(({ until }) => until + 1);
    return {
      answers: found.sort((one, other) => other.at - one.at).slice(0, maxNames + 1),
      cut: dropped || found.length > maxNames,
      until: Math.min(...ends, dropped ? this.#droppedUntil + 1 : Number.POSITIVE_INFINITY),
    };
  }

  #put(answers: Answer[]): void {
    this.#size += answers.length;
    const names = this.#names;
    let place = names.length;
    while (place > 0 && newestOf(names[place - 1]) > newestOf(answers)) place--;
    if (names.length === 0)
      this.#names = [answers]; // push would reserve room for many
    else names.splice(place, 0, answers);
    if (names.length > maxKept) this.#drop(names.shift() ?? []);
  }

  #drop(answers: Answer[]): void {
    this.#size -= answers.length;
    for (const { until } of answers) this.#droppedUntil = Math.max(this.#droppedUntil, until);
  }
}

function newestOf(answers: readonly Answer[] | undefined): number {
  return answers?.at(-1)?.at ?? 0;
}

/** Drops answers of a name that a later answer replaces. If there are too many, drops every second one of the older half. */
function thinned(answers: Answer[]): Answer[] {
  const needed = newestOf(answers) - lateness;
  for (let [first, second] = answers; first && second; [first, second] = answers) {
    if (second.at > needed || second.until < first.until) break;
    answers.shift();
  }
  return answers.length > maxPerName ? answers.filter((_, i) => i >= maxPerName / 2 || i % 2 === 1) : answers;
}
