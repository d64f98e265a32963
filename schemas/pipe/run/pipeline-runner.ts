import { setImmediate as turn } from 'node:timers/promises';
import type { Input } from '../io/input.js';
import { LineSplitter, lineLimit } from '../line/line-splitter.js';
import { PipelineEnd } from '../stage/downstream.js';
import { ReleaseTracker } from '../stage/release-tracker.js';
import type { StageConfig } from '../stage/stage-config.js';
import { StageRunner } from '../stage/stage-runner.js';
import { now } from './now.js';

/** Writes whole lines. The bytes stay unchanged until it resolves. */
export type Write = (bytes: Buffer) => Promise<void>;

/** While more input is available, output is collected up to this many bytes, but for no longer than this many ms. */
const writeBytes = 1 << 16;
const turnMs = 1;
/** A second thread for scanning is worth it after `many` bytes in all, while a read gives at least `large` bytes. */
const many = 1 << 22;
const large = 1 << 16;
/** After a read of this many bytes more is likely to come soon: it is read into the room that is left. */
const busy = 1 << 14;

/**
 * The event loop. Runs stages in a row, from the input to the output of the last one, and behaves like a pipeline of
 * processes in a shell: if a stage fails, the stages after it finish with what they have received, and the stage before it
 * ends when it writes again. The functions are small because V8 compiles each of them as a whole.
 */
export class PipelineRunner {
  readonly #lines: LineSplitter;
  readonly #end = new PipelineEnd();
  readonly #output = this.#end.buffer;
  #woken = false; // a stage has called wake()
  #resume = () => {}; // ends the wait for input
  readonly #runners: StageRunner[] = [];
  readonly #first: StageRunner;
  readonly #durable: boolean;
  #held = false; // by a stage that waits for a promise
  #lastTurn = 0;
  #bytesRead = 0; // bytes
  #reads = 0;
  readonly #releases: ReleaseTracker | undefined;

  constructor(
    configs: readonly StageConfig[],
    private readonly input: Input,
    private readonly write: Write,
  ) {
    const stages = configs.map(({ stage }) => stage);
    const kernelBytes = stages.reduce((sum, { batch }) => sum + (batch?.kernelBytes ?? 0), 0);
    this.#lines = new LineSplitter(lineLimit, stages.some(({ background }) => background) ? 2 : 1, kernelBytes);
    this.#durable = configs.some(({ stage }) => stage.traits?.durable);
    const wake = () => {
      this.#woken = true;
      this.#resume();
    };
    const hold = () => {
      this.#held = true;
    };
    for (const config of configs.toReversed())
      this.#runners.unshift(new StageRunner(config, this.#runners[0] ?? this.#end, wake, hold));
    this.#first = this.#runners[0] as StageRunner;
    if (input.released) this.#releases = new ReleaseTracker(this.#runners, (reads) => input.released?.(reads));
  }

  /**
   * Runs the pipeline. Resolves when the input has ended and all output is written. Writes many lines at once if there are
   * many, and line by line if there are few. If the input fails, so does the first stage. Throws what `write` throws, after the
   * stages have ended.
   */
  async run(): Promise<void> {
    try {
      await this.#open();
      for (let bytes = 1; bytes > 0 && !this.#first.feed.closed; ) {
        this.#output.settle();
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
      for (const runner of this.#runners) await runner.close(false);
    }
  }

  async #open(): Promise<void> {
    for (const runner of this.#runners.toReversed()) {
      await runner.open();
      await runner.next.settle();
    }
    await this.#writeOutput();
    await this.#finishFailed();
    this.#lastTurn = now();
  }

  /** Waits for input. Meanwhile flushes the stages whenever one of them calls wake(), which may be because it has failed. */
  async #read(): Promise<number> {
    await this.#settle();
    const first = this.#first;
    if (first.feed.closed) return -1;
    const read: { bytes?: number } = {};
    this.input
      .read(this.#lines.space(this.input.isFile), first.feed.received)
      .catch((error) => first.feed.fail(error) ?? -1)
      .then((bytes) => {
        read.bytes = bytes;
        this.#resume();
      });
    while (read.bytes === undefined && !first.feed.closed) {
      if (this.#woken) {
        this.#woken = false;
        await this.#flush();
        await this.#settle();
      } else {
        await new Promise<void>((resolve) => {
          this.#resume = resolve;
        });
      }
    }
    const came = read.bytes ?? -1;
    if (came > 0) this.#reads++;
    this.#lastTurn = now();
    return came;
  }

  /** Writes the pending output, and reports which reads all stages have released. */
  async #settle(): Promise<void> {
    await this.#writeOutput();
    for (const runner of this.#runners) await runner.backgroundDone();
    await this.#finishFailed();
    this.#releases?.update(this.#reads);
  }

  /** Reads what is available, for another thread to scan. Returns whether there was anything. */
  #readAhead(bytes: number): boolean {
    if (bytes < large) return false;
    this.#bytesRead += bytes;
    const room = this.#bytesRead > many && this.input.isFile ? this.#lines.ahead() : undefined;
    const more = this.#readNow(room);
    this.#lines.filledAhead(more);
    return more > 0;
  }

  /** Lets the stages process what was read, and, if the last read was large, what arrives meanwhile. */
  async #take(came: number): Promise<void> {
    let more = came;
    for (let left = true; left && !this.#first.feed.closed; ) {
      const state = this.#consume();
      left = state !== 'done';
      if (state === 'held') {
        await this.#first.settle();
        this.#held = false;
        if (!this.#end.full) continue;
      }
      if (state === 'done' && more >= busy && !this.#durable && this.#output.length < writeBytes) {
        more = this.#readMore();
        left = more > 0;
        if (left) continue; // it is processed together with what came before
      }
      await this.#flushAndWrite();
    }
  }

  /** Feeds lines to the first stage, until a stage waits for a promise or there is enough output to write. */
  #consume(): 'held' | 'full' | 'done' {
    const lines = this.#lines;
    const first = this.#first;
    for (let next = lines.next(); next !== 'more' && !first.feed.closed; next = lines.next()) {
      if (next === 'long') first.feed.long(lines.head);
      else {
        const taken = first.feed.takesMany ? first.feed.many(lines.atHand) : 0;
        if (taken > 0) lines.skip(taken - 1);
        else if (!first.feed.closed) first.feed.read(lines);
      }
      if (this.#held) return 'held';
      if (this.#end.full) return 'full';
    }
    return 'done';
  }

  /** Reads what is available, without moving what was read before. Returns the number of bytes. */
  #readMore(): number {
    const more = this.#readNow(this.#lines.room());
    this.#lines.filled(more);
    return more;
  }

  /** Reads what is available. Returns the number of bytes, 0 also at the end of input: the next read returns that. */
  #readNow(room: Buffer | undefined): number {
    return Math.max(0, (room && this.input.now?.(room)) ?? 0);
  }

  /** Flushes the stages and writes their output, unless it may wait for more. */
  async #flushAndWrite(): Promise<void> {
    do {
      this.#woken = false;
      await this.#flush();
      // a stage that called wake() expects its earlier output to be written first
      if (!this.#woken && this.#mayWait()) return;
      await this.#writeOutput();
      await this.#finishFailed();
      await turn(); // output goes out before more input comes in, but answers and timers get their turn
      this.#lastTurn = now();
    } while (this.#woken);
  }

  /** Whether the output may wait for more input that may be available already. */
  #mayWait(): boolean {
    return (
      this.input.now !== undefined &&
      this.#output.length < writeBytes &&
      now() - this.#lastTurn < turnMs &&
      !this.#runners.some(({ feed, refused }) => feed.failed || refused)
    );
  }

  async #writeOutput(): Promise<void> {
    if (this.#output.length > 0) await this.write(this.#output.take());
  }

  /** Flushes the stages, starting with stage `from`. */
  async #flush(from = 0): Promise<void> {
    for (let at = from; at < this.#runners.length; at++) {
      const runner = this.#runners[at] as StageRunner;
      const flushed = runner.flush();
      if (flushed) await flushed;
      if (runner.next.busy) await runner.next.settle();
    }
  }

  /** Ends stages that have failed, and those after them. A stage whose output is refused fails with EPIPE. */
  async #finishFailed(): Promise<void> {
    for (let at = this.#runners.length - 1; at >= 0; at--) {
      const runner = this.#runners[at] as StageRunner;
      if (this.#runners[at + 1]?.refused) runner.feed.fail(Object.assign(new Error('no reader'), { code: 'EPIPE' }));
      if (runner.feed.failed) await this.#finish(at);
    }
  }

  /** Finishes and ends the stages, starting with stage `from`. */
  async #finish(from: number): Promise<void> {
    for (const [at, runner] of [...this.#runners.entries()].slice(from)) {
      await runner.endInput();
      await this.#flushAfter(at);
      for (let more = true; more; ) {
        more = await runner.finish();
        await this.#flushAfter(at);
      }
      await runner.close(true);
      await this.#flushAfter(at);
    }
  }

  /** Passes on what a stage has written at its end: flushes the stages after it and writes their output. */
  async #flushAfter(at: number): Promise<void> {
    await this.#runners[at]?.next.settle();
    await this.#flush(at + 1);
    await this.#writeOutput();
  }
}
