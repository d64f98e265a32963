import { setImmediate as turn } from 'node:timers/promises';
import { LineSplitter, lineLimit } from '../line/line-splitter.js';
import type { Batch } from '../stage/batch.js';
import { PipelineEnd } from '../stage/downstream.js';
import { ReleaseTracker } from '../stage/release-tracker.js';
import type { StageConfig } from '../stage/stage-config.js';
import { StageRunner } from '../stage/stage-runner.js';
import { WakeableRead } from './wakeable-read.js';

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
export class PipelineRunner {
  readonly #lines: LineSplitter;
  readonly #end: PipelineEnd;
  readonly #batch: Batch;
  readonly #wakeable = new WakeableRead();
  readonly #runners: StageRunner[] = [];
  readonly #first: StageRunner;
  readonly #durable: boolean;
  #held = false; // by a stage that waits for something
  #lastTurn = 0;
  #bytesRead = 0; // bytes
  #reads = 0;
  readonly #releases: ReleaseTracker | undefined;

  constructor(
    configs: readonly StageConfig[],
    private readonly input: Input,
    private readonly write: Write,
  ) {
    const writesLater = configs.some(({ stage }) => stage.settled);
    this.#lines = new LineSplitter(lineLimit, writesLater ? 2 : 1);
    this.#durable = configs.some(({ stage }) => stage.durable);
    this.#end = new PipelineEnd(this.#lines.buffer);
    this.#batch = this.#end.batch;
    const wake = () => this.#wakeable.wake();
    const hold = () => {
      this.#held = true;
    };
    for (const config of configs.toReversed())
      this.#runners.unshift(new StageRunner(config, this.#runners[0] ?? this.#end, wake, hold));
    this.#first = this.#runners[0] as StageRunner;
    if (input.released) this.#releases = new ReleaseTracker(this.#runners, (reads) => input.released?.(reads));
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
      await this.#finishFailed();
      await this.#finish(0);
    } finally {
      this.#lines.close();
      for (const runner of this.#runners) await runner.end(false);
    }
  }

  async #open(): Promise<void> {
    for (const runner of this.#runners.toReversed()) {
      await runner.open();
      await runner.next.settle();
    }
    await this.#writeBatch();
    await this.#finishFailed();
    this.#lastTurn = now();
  }

  /** Waits for input, and meanwhile for stages that have something to put out. */
  async #read(): Promise<number> {
    await this.#settle();
    const first = this.#first;
    if (first.closed) return -1;
    const read = this.#wakeable.until(
      this.input.read(this.#lines.space(this.input.isFile)).catch((error) => first.fail(error) ?? -1),
    );
    let came = await read();
    for (; came === undefined; came = await read()) {
      await this.#flush();
      await this.#settle();
    }
    if (came > 0) this.#reads++;
    this.#lastTurn = now();
    return came;
  }

  /** Writes what there is, and sees which reads are done with. */
  async #settle(): Promise<void> {
    await this.#writeBatch();
    for (const runner of this.#runners) await runner.settled();
    await this.#finishFailed();
    this.#releases?.update(this.#reads);
  }

  /** Reads what is there already, for another thread to scan. Returns whether there was something. */
  #readAhead(bytes: number): boolean {
    if (bytes < large) return false;
    this.#bytesRead += bytes;
    const room = this.#bytesRead > many && this.input.isFile ? this.#lines.ahead() : undefined;
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
        if (!this.#end.full) continue;
      }
      if (state === 'done' && more >= busy && !this.#durable && this.#batch.length < writeBytes) {
        more = this.#readMore();
        left = more > 0;
        if (left) continue; // it goes on together with what came before
      }
      await this.#flushAndWrite();
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
      if (this.#end.full) return 'full';
    }
    return 'done';
  }

  /** Reads what is there already, and leaves what was read before where it is. Returns how much that was. */
  #readMore(): number {
    const room = this.#lines.room();
    const more = Math.max(0, (room && this.input.now?.(room)) ?? 0); // the next read tells of the end
    this.#lines.filled(more);
    return more;
  }

  /** What the stages put out is written, unless it may wait. */
  async #flushAndWrite(): Promise<void> {
    for (let due = true; due; due = this.#wakeable.taken()) {
      await this.#flush();
      if (!this.#wakeable.woken && this.#mayWait()) continue; // who has asked for the next flush counts on what is written by then
      await this.#writeBatch();
      await this.#finishFailed();
      await turn(); // what is due goes out before more comes in, but answers and timers have their turn
      this.#lastTurn = now();
    }
  }

  /** Whether what there is may wait for more that is there already. */
  #mayWait(): boolean {
    return (
      this.input.now !== undefined &&
      this.#batch.length < writeBytes &&
      now() - this.#lastTurn < turnMs &&
      !this.#runners.some(({ failed, refused }) => failed || refused)
    );
  }

  async #writeBatch(): Promise<void> {
    if (this.#batch.length > 0) await this.write(this.#batch.take());
  }

  /** Has the stages from one on pass on what they hold. */
  async #flush(from = 0): Promise<void> {
    for (let at = from; at < this.#runners.length; at++) {
      const runner = this.#runners[at] as StageRunner;
      const flushed = runner.flush();
      if (flushed) await flushed;
      if (runner.next.busy) await runner.next.settle();
    }
  }

  /** Deals with the stages that failed: they end, and so do those behind them, and those whose output nobody takes. */
  async #finishFailed(): Promise<void> {
    for (let at = this.#runners.length - 1; at >= 0; at--) {
      const runner = this.#runners[at] as StageRunner;
      if (this.#runners[at + 1]?.refused) runner.fail(Object.assign(new Error('nobody reads'), { code: 'EPIPE' }));
      if (runner.failed) await this.#finish(at);
    }
  }

  /** The end of a stage, and then of those behind it. */
  async #finish(from: number): Promise<void> {
    for (const [at, runner] of [...this.#runners.entries()].slice(from)) {
      await runner.close();
      await this.#flushAfter(at);
      for (let more = true; more; ) {
        more = await runner.finish();
        await this.#flushAfter(at);
      }
      await runner.end(true);
      await this.#flushAfter(at);
    }
  }

  /** What a stage has put out at its end goes on. */
  async #flushAfter(at: number): Promise<void> {
    await this.#runners[at]?.next.settle();
    await this.#flush(at + 1);
    await this.#writeBatch();
  }
}
