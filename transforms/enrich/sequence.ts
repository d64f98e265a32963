import { type Answer, addProcess, insert, type ProcessBits } from './answer.js';

/** Answers for one address in the order of their times: the newest, at most `most`. */
export class Sequence {
  answers: Answer[] = [];
  moved = Number.NEGATIVE_INFINITY;

  constructor(private readonly most: number) {}

  get size(): number {
    return this.answers.length;
  }

  get newest(): number {
    return this.answers.at(-1)?.at ?? 0;
  }

  get askers(): ProcessBits {
    const bits: ProcessBits = [0, 0];
    for (const { asker } of this.answers) addProcess(bits, asker.pid);
    return bits;
  }

  add(answer: Answer): void {
    if (this.answers.length === 0)
      this.answers = [answer]; // push would take room for many
    else insert(this.answers, answer);
    if (this.answers.length > this.most) this.answers.shift();
  }
}
