import { type Answer, addProcess, insert, type ProcessBits } from './answer.js';

/** The newest answers for one address in order of time, at most `most`. */
export class Sequence {
  answers: Answer[] = [];
  moved = Number.NEGATIVE_INFINITY;
  /** Whether all answers have the same name. */
  sameName = true;

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
      this.answers = [answer]; // push would reserve room for many
    else insert(this.answers, answer);
    this.sameName &&= answer.name === this.answers[0]?.name && answer.name === this.answers.at(-1)?.name;
    if (this.answers.length <= this.most) return;
    this.answers.shift();
    this.sameName ||= this.answers.every(({ name }) => name === answer.name);
  }
}
