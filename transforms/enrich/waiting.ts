import type { Line } from '../../schemas/pipe/line/line.js';
import type { Output } from '../../schemas/pipe/stage/stage.js';
import type { Addition } from './addition.js';
import { Appender } from './append.js';
import type { Naming } from './naming.js';
import { Queue } from './queue.js';
import type { Lookup } from './reverse.js';

interface Held extends Addition {
  bytes: Buffer;
}

/** How long lines may still wait after the signal to end, ms. The runner waits longer than this. */
const lastWaitMs = 500;

/** Lines that wait for a name, in order, with all lines after them. */
export class WaitingLines {
  readonly #queue = new Queue<Held>();
  readonly #appender = new Appender();
  #alarm: NodeJS.Timeout | undefined;
  #resume = () => {};
  /** When all waiting ends, in the time of performance.now(). */
  #end = Number.POSITIVE_INFINITY;

  constructor(
    private readonly naming: Naming,
    /** Called when the first line may be ready, so that the stage calls `release`. */
    private readonly wake: () => void,
  ) {}

  get length(): number {
    return this.#queue.length;
  }

  /** Returns a function that tests whether all lines that are held now have been written. */
  mark(): () => boolean {
    return this.#queue.mark();
  }

  /** Whether the queue is full. The caller must not call `hold` then. */
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
   * Writes lines from the front that are ready, or all lines with `all`, until the output is full. Returns whether there
   * are more.
   */
  release(out: Output, all = false): boolean {
    const now = performance.now();
    for (let { first } = this.#queue; first && (this.#ready(first, now) || all); { first } = this.#queue) {
      if (out.full && !this.#queue.full && !all) return true;
      this.#appender.append(out, first.bytes, 0, first.bytes.length, Buffer.from(this.naming.text(first)));
      this.#queue.shift();
    }
    return false;
  }

  /** Waits and writes lines until the queue is no longer full. */
  async room(out: Output): Promise<void> {
    while (this.#queue.full) {
      await this.#firstReady();
      this.release(out);
    }
  }

  /** Waits for all lines and writes them, until the output is full. Returns whether there are more. */
  async rest(out: Output): Promise<boolean> {
    for (; this.#queue.first && !out.full; this.release(out)) await this.#firstReady();
    return this.#queue.first !== undefined;
  }

  /** Sets the timer that wakes the stage at the deadline of the first line. */
  setAlarm(): void {
    this.stop();
    const { first } = this.#queue;
    if (!first) return;
    const deadline = Math.min(first.deadline, this.#end);
    this.#alarm = setTimeout(() => this.#wake(), Math.max(1, Math.ceil(deadline - performance.now())));
  }

  /** Limits how much longer each line waits, because the pipeline is shutting down. */
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
