import { type Answer, insert } from './answer.js';

/** Answers for one address in the order of their times: the newest, at most `most`. */
export class Sequence {
  readonly answers: Answer[] = [];

  constructor(private readonly most: number) {}

  get size(): number {
    return this.answers.length;
  }

  add(answer: Answer): void {
    insert(this.answers, answer);
    if (this.answers.length > this.most) this.answers.shift();
  }
}
