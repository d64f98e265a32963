import { type Answer, insert } from './answer.js';

/** Answers for one address in the order of their times: the newest, at most `most`. */
export class Sequence {
  answers: Answer[] = [];
  moved = Number.NEGATIVE_INFINITY;

  constructor(private readonly most: number) {}

  get size(): number {
    return this.answers.length;
  }

  add(answer: Answer): void {
    if (this.answers.length === 0)
      this.answers = [answer]; // push would take room for many
    else insert(this.answers, answer);
    if (this.answers.length > this.most) this.answers.shift();
  }
}
