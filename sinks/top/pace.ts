import { now } from '../../schemas/pipe/run/now.js';

/** The most drawings in a second. */
const most = 5;

/** Decides when to draw. All times are in ms. */
export class Pace {
  readonly #drawn: number[] = [];

  constructor(private readonly clock: () => number = now) {}

  drew(): void {
    this.#drawn.push(this.clock());
    if (this.#drawn.length > most) this.#drawn.shift();
  }

  /** Returns how long to wait before the next drawing, at least `pause` after the last one. */
  wait(pause: number): number {
    const [first] = this.#drawn;
    const last = this.#drawn.at(-1);
    if (first === undefined || last === undefined) return 0;
    const free = this.#drawn.length < most ? 0 : first + 1_000;
    return Math.max(0, free - this.clock(), last + pause - this.clock());
  }
}
