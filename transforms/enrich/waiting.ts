import type { Line } from '../../schemas/pipe/line/line.js';
import type { Output } from '../../schemas/pipe/stage/stage.js';
import type { Addition } from './addition.js';
import { append } from './append.js';
import type { Naming } from './naming.js';
import { Queue } from './queue.js';
import type { Lookup } from './reverse.js';

interface Held extends Addition {
  bytes: Buffer;
}

/** After the signal that asks for the end nothing waits longer, ms: less than the runner waits for. */
const lastWaitMs = 500;

/** Lines that wait for a name, in their order, with all lines behind them. */
export class Waiting {
  readonly #queue = new Queue<Held>();
  #alarm: NodeJS.Timeout | undefined;
  #resume = () => {};
  /** From then on nothing waits, in the time of performance.now(). */
  #end = Number.POSITIVE_INFINITY;

  constructor(
    private readonly naming: Naming,
    /** Called when lines may go: `release` is to be called. */
    private readonly wake: () => void,
  ) {}

  get length(): number {
    return this.#queue.length;
  }

  /** Returns a test of whether the lines held now have gone on. */
  mark(): () => boolean {
    return this.#queue.mark();
  }

  /** No more should be held. */
  get full(): boolean {
    return this.#queue.full;
  }

  hold({ buffer, start, end }: Line, addition: Addition): void {
    const first = this.#queue.length === 0;
    this.#queue.push({ ...addition, bytes: Buffer.from(buffer.subarray(start, end)) });
    if (first) this.setAlarm();
  }

  answered(lookup: Lookup): void {
    const { remote, local } = this.#queue.first ?? {};
    if (lookup === remote?.lookup || lookup === local?.lookup) this.#wake();
  }

  /**
   * Sends what need not wait any more, or all of it, from the front, as much as goes out at once. Returns whether there is
   * more.
   */
  release(out: Output, all = false): boolean {
    const now = performance.now();
    for (let { first } = this.#queue; first && (this.#ready(first, now) || all); { first } = this.#queue) {
      if (out.full && !this.#queue.full && !all) return true;
      append(out, first.bytes, 0, first.bytes.length, this.naming.text(first));
      this.#queue.shift();
    }
    return false;
  }

  /** While it is full, waits until the first may go. */
  async room(out: Output): Promise<void> {
    while (this.#queue.full) {
      await this.#firstReady();
      this.release(out);
    }
  }

  /** Sends all when it may go, as much as goes out at once. Returns whether there is more. */
  async rest(out: Output): Promise<boolean> {
    for (; this.#queue.first && !out.full; this.release(out)) await this.#firstReady();
    return this.#queue.first !== undefined;
  }

  /** Wakes the stage when the first line has waited long enough. */
  setAlarm(): void {
    this.stop();
    const { first } = this.#queue;
    if (!first) return;
    const deadline = Math.min(first.deadline, this.#end);
    this.#alarm = setTimeout(() => this.#wake(), Math.max(1, Math.ceil(deadline - performance.now())));
  }

  /** The end is near: what is held goes without its name, if that does not come soon. */
  hurry(): void {
    this.#end = Math.min(this.#end, performance.now() + lastWaitMs);
    this.setAlarm();
  }

  stop(): void {
    clearTimeout(this.#alarm);
  }

  async #firstReady(): Promise<void> {
    while (this.#queue.first && !this.#ready(this.#queue.first, performance.now())) {
      const resumed = new Promise<void>((resolve) => {
        this.#resume = resolve;
      });
      this.setAlarm();
      await resumed;
    }
  }

  #ready(held: Held, now: number): boolean {
    return this.naming.ready(held, now) || now >= this.#end;
  }

  #wake(): void {
    this.#resume();
    this.wake();
  }
}
