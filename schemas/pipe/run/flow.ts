import { setImmediate as turn } from 'node:timers/promises';
import { Lines, lineLimit } from '../line/lines.js';
import type { Batch } from '../stage/batch.js';
import { Released } from '../stage/released.js';
import { Step } from '../stage/step.js';
import { Last, type Part } from '../stage/target.js';
import { Waiting } from '../stage/waiting.js';

/** Where the bytes come from: 0 is the end, -1 a stop in the middle. */
export interface Input {
  read(into: Buffer): Promise<number>;
  /** The same of what is there already; undefined where that cannot be told without waiting. */
  now?(into: Buffer): number | undefined;
  /** It is a file: nobody makes its bytes meanwhile, and needs the CPU for it. */
  readonly isFile?: boolean;
  /**
   * No stage holds anything of the first `reads` reads any more: it was dropped, or what was made of it was written.
   * May be called while a read waits.
   */
  released?(reads: number): void;
}

/** Where the bytes go: whole lines, which stay as they are until they are written. */
export type Write = (bytes: Buffer) => Promise<void>;

/** While more input is there already, so much output is collected before it is written, but for no longer than this. */
const writeBytes = 1 << 16;
const turnMs = 1;
/** ms; `performance` would load much at the start. */
const now = () => {
  const [s, ns] = process.hrtime();
  return s * 1e3 + ns / 1e6;
};
/** After so many bytes, and where so many come at once, it is worth a thread that scans what is there already. */
const many = 1 << 22;
const large = 1 << 16;
/** Where so much came at once there is more before long, and it is read into what room is left. */
const busy = 1 << 14;

/**
 * Stages that feed each other, from an input to where the last one's output is written, as a shell's pipeline would: one
 * that fails ends as its process would, those behind it finish with what they have got, and one that feeds it ends when
 * it puts out something more. In small functions, as V8 compiles each of them as a whole.
 */
export class Flow {
  readonly #lines: Lines;
  readonly #last: Last;
  readonly #batch: Batch;
  readonly #waiting = new Waiting();
  readonly #steps: Step[] = [];
  readonly #first: Step;
  readonly #durable: boolean;
  #held = false; // by a stage that waits for something
  #turned = 0;
  #came = 0; // bytes
  #reads = 0;
  readonly #released: Released | undefined;

  constructor(
    parts: readonly Part[],
    private readonly input: Input,
    private readonly write: Write,
  ) {
    const writesBehind = parts.some(({ stage }) => stage.settled);
    this.#lines = new Lines(lineLimit, writesBehind ? 2 : 1);
    this.#durable = parts.some(({ stage }) => stage.durable);
    this.#last = new Last(this.#lines.buffer);
    this.#batch = this.#last.batch;
    const wake = () => this.#waiting.wake();
    const hold = () => {
      this.#held = true;
    };
    for (const part of parts.toReversed())
      this.#steps.unshift(new Step(part, this.#steps[0] ?? this.#last, wake, hold));
    this.#first = this.#steps[0] as Step;
    if (input.released) this.#released = new Released(this.#steps, (reads) => input.released?.(reads));
  }

  /**
   * Resolves when the input has ended, and all is written: many lines at once when there are many, each line when they are
   * few. Throws what the input or `write` throws, once the stages have ended.
   */
  async run(): Promise<void> {
    try {
      await this.#open();
      for (let bytes = 1; bytes > 0 && !this.#first.closed; ) {
        this.#batch.settle();
        bytes = this.#lines.advance();
        if (bytes === 0) {
          bytes = this.input.now?.(this.#lines.space(this.input.isFile)) ?? (await this.#read());
          if (bytes > 0) this.#lines.filled(bytes);
          else if (bytes === 0) this.#lines.finish();
        }
        const ahead = this.#readAhead(bytes);
        await this.#take(ahead ? 0 : bytes);
      }
      await this.#bury();
      await this.#finish(0);
    } finally {
      this.#lines.close();
      for (const step of this.#steps) await step.end(false);
    }
  }

  async #open(): Promise<void> {
    for (const step of this.#steps.toReversed()) {
      await step.open();
      await step.next.settle();
    }
    await this.#put();
    await this.#bury();
    this.#turned = now();
  }

  /** Waits for input, and meanwhile for stages that have something to put out. */
  async #read(): Promise<number> {
    await this.#settled();
    const first = this.#first;
    if (first.closed) return -1;
    const read = this.#waiting.until(
      this.input.read(this.#lines.space(this.input.isFile)).catch((error) => first.fail(error) ?? -1),
    );
    let came = await read();
    for (; came === undefined; came = await read()) {
      await this.#flush();
      await this.#settled();
    }
    if (came > 0) this.#reads++;
    this.#turned = now();
    return came;
  }

  /** Writes what there is, and sees which reads are done with. */
  async #settled(): Promise<void> {
    await this.#put();
    for (const step of this.#steps) await step.settled();
    await this.#bury();
    this.#released?.update(this.#reads);
  }

  /** Reads what is there already, for another thread to scan. Returns whether there was something. */
  #readAhead(bytes: number): boolean {
    if (bytes < large) return false;
    this.#came += bytes;
    const room = this.#came > many && this.input.isFile ? this.#lines.ahead() : undefined;
    const more = Math.max(0, (room && this.input.now?.(room)) ?? 0); // the next read tells of the end
    this.#lines.filledAhead(more);
    return more > 0;
  }

  /** Has the stages take what was read, and what comes meanwhile where so much came last. */
  async #take(came: number): Promise<void> {
    let more = came;
    for (let left = true; left && !this.#first.closed; ) {
      const state = this.#consume();
      left = state !== 'done';
      if (state === 'held') {
        await this.#first.settle();
        this.#held = false;
        if (!this.#last.full) continue;
      }
      if (state === 'done' && more >= busy && !this.#durable && this.#batch.length < writeBytes) {
        more = this.#readBehind();
        left = more > 0;
        if (left) continue; // it goes on together with what came before
      }
      await this.#passOn();
    }
  }

  /** Hands the lines at hand to the first stage, until a stage waits for something, or there is enough to write. */
  #consume(): 'held' | 'full' | 'done' {
    const lines = this.#lines;
    const first = this.#first;
    for (let next = lines.next(); next !== 'more' && !first.closed; next = lines.next()) {
      if (next === 'long') first.long(lines.head);
      else {
        const taken = first.takesMany ? first.readMany(lines.atHand) : 0;
        if (taken > 0) lines.skip(taken - 1);
        else if (!first.closed) first.read(lines);
      }
      if (this.#held) return 'held';
      if (this.#last.full) return 'full';
    }
    return 'done';
  }

  /** Reads what is there already, and leaves what was read before where it is. Returns how much that was. */
  #readBehind(): number {
    const room = this.#lines.room();
    const more = Math.max(0, (room && this.input.now?.(room)) ?? 0); // the next read tells of the end
    this.#lines.filled(more);
    return more;
  }

  /** What the stages put out is written, unless it may wait. */
  async #passOn(): Promise<void> {
    for (let due = true; due; due = this.#waiting.taken()) {
      await this.#flush();
      if (!this.#waiting.woken && this.#mayWait()) continue; // who has asked for the next flush counts on what is written by then
      await this.#put();
      await this.#bury();
      await turn(); // what is due goes out before more comes in, but answers and timers have their turn
      this.#turned = now();
    }
  }

  /** Whether what there is may wait for more that is there already. */
  #mayWait(): boolean {
    return (
      this.input.now !== undefined &&
      this.#batch.length < writeBytes &&
      now() - this.#turned < turnMs &&
      !this.#steps.some(({ failed, refused }) => failed || refused)
    );
  }

  async #put(): Promise<void> {
    if (this.#batch.length > 0) await this.write(this.#batch.take());
  }

  /** Has the stages from one on pass on what they hold. */
  async #flush(from = 0): Promise<void> {
    for (let at = from; at < this.#steps.length; at++) {
      const step = this.#steps[at] as Step;
      const flushed = step.flush();
      if (flushed) await flushed;
      if (step.next.busy) await step.next.settle();
    }
  }

  /** Deals with the stages that failed: they end, and so do those behind them, and those whose output nobody takes. */
  async #bury(): Promise<void> {
    for (let at = this.#steps.length - 1; at >= 0; at--) {
      const step = this.#steps[at] as Step;
      if (this.#steps[at + 1]?.refused) step.fail(Object.assign(new Error('nobody reads'), { code: 'EPIPE' }));
      if (step.failed) await this.#finish(at);
    }
  }

  /** The end of a stage, and then of those behind it. */
  async #finish(from: number): Promise<void> {
    for (const [at, step] of [...this.#steps.entries()].slice(from)) {
      await step.close();
      await this.#behind(at);
      for (let more = true; more; ) {
        more = await step.finish();
        await this.#behind(at);
      }
      await step.end(true);
      await this.#behind(at);
    }
  }

  /** What a stage has put out at its end goes on. */
  async #behind(at: number): Promise<void> {
    await this.#steps[at]?.next.settle();
    await this.#flush(at + 1);
    await this.#put();
  }
}
