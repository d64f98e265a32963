import type { Line } from '../line/line.js';
import type { LineSplitter } from '../line/line-splitter.js';
import type { ScannedLines } from '../scan/scanned-lines.js';
import { Batch } from './batch.js';
import { type Downstream, discarded, fullBytes } from './downstream.js';
import { Feed } from './runner/feed.js';
import { output } from './runner/output.js';
import { StageState } from './runner/stage-state.js';
import type { Output } from './stage.js';
import type { StageConfig } from './stage-config.js';

const newline = 10;

/**
 * Runs one stage of a pipeline. Counts and checks its input, and passes its output directly to the next stage. While the
 * stage waits for a promise, its input is queued; the pipeline runner calls `settle` before reading more.
 */
export class StageRunner implements Downstream {
  /** Whether a line arrived after it was closed. The stage before it then ends too, as if by SIGPIPE. */
  refused = false;
  readonly #out: Output;
  readonly #state: StageState;
  readonly #feed: Feed;
  #opened = false;
  #pending: Promise<void> | undefined; // the stage is still processing its last line
  #kept: Batch | undefined; // lines received since then
  readonly #extended = new Batch(); // one line with added fields

  constructor(
    readonly config: StageConfig,
    readonly next: Downstream,
    wake: () => void,
    /** Called when the stage starts to wait for a promise. */
    onWait: () => void,
  ) {
    this.#state = new StageState(config, next);
    this.#out = output(config, this.#state, next, wake);
    this.#feed = new Feed(config, this.#out, this.#state, next, (pending) => {
      this.#pending = pending.catch((error) => this.fail(error));
      onWait();
    });
  }

  /** Whether it takes no more input, after an error or at its end. */
  get closed(): boolean {
    return this.#state.closed;
  }

  /** Whether it has failed. */
  get failed(): boolean {
    return this.#state.failed;
  }

  get busy(): boolean {
    return this.#pending !== undefined || (this.#kept?.length ?? 0) > 0 || this.next.busy;
  }

  get full(): boolean {
    return (this.#kept?.length ?? 0) > fullBytes || this.next.full;
  }

  async open(): Promise<void> {
    await this.#guarded(async () => {
      this.#state.open();
      this.#opened = true;
      await this.config.stage.open?.(this.#out);
      this.#feed.opened();
      this.#state.started();
    });
  }

  line(line: Line): void {
    if (this.busy) this.#keep().bytes(line.buffer, line.start, line.end);
    else if (this.closed) this.refused = true;
    else this.#feed.line(line);
  }

  bytes(buffer: Buffer, start: number, end: number): void {
    if (this.busy) this.#keep().bytes(buffer, start, end);
    else if (this.closed) this.refused = true;
    else this.#feed.take(buffer, start, end);
  }

  extended(buffer: Buffer, start: number, end: number, fields: Buffer, from: number, to: number): void {
    const batch = this.busy ? this.#keep() : this.#extended;
    batch.extended(buffer, start, end, fields, from, to);
    if (batch !== this.#extended) return;
    const line = batch.take();
    this.bytes(line, 0, line.length - 1);
  }

  block(buffer: Buffer, start: number, end: number): void {
    for (let from = start; from < end; ) {
      const to = buffer.indexOf(newline, from);
      this.bytes(buffer, from, to);
      from = to + 1;
    }
  }

  text(line: string): void {
    for (const one of line.includes('\n') ? line.split('\n') : [line]) {
      const bytes = Buffer.from(one);
      this.bytes(bytes, 0, bytes.length);
    }
  }

  many(lines: ScannedLines): void {
    for (let at = 0; at < lines.count; ) {
      if (this.busy) {
        this.#keep().bytes(lines.buffer, lines.start(at), lines.end(at)); // a later stage may still hold the line before it
        at++;
        continue;
      }
      const taken = this.takesMany && !this.closed ? this.readMany(lines.part(at, lines.count)) : 0;
      if (taken === 0) this.line(lines.line(at));
      at += taken || 1;
    }
  }

  /** Takes a line from where it was read and scanned. */
  read(lines: LineSplitter): void {
    this.#feed.read(lines);
  }

  /** Whether the stage may take many lines at once. */
  get takesMany(): boolean {
    return this.#feed.takesMany;
  }

  /** Offers the stage many lines from where they were read and scanned. Returns how many it took, counted from the first. */
  readMany(lines: ScannedLines): number {
    return this.#feed.many(lines);
  }

  /** Takes the first bytes of a line that is too long. */
  long(head: Buffer): void {
    this.#feed.long(head);
  }

  async settle(): Promise<void> {
    await this.#done();
    if (!this.#kept || this.#kept.length === 0) return;
    const kept = this.#kept.take();
    for (let start = 0; start < kept.length; ) {
      const end = kept.indexOf(newline, start);
      this.bytes(kept, start, end);
      if (this.busy) await this.#done();
      start = end + 1;
    }
  }

  /** Flushes the stage, as the input pauses. */
  flush(): void | Promise<void> {
    const { stage } = this.config;
    if (!this.closed && stage.flush) return this.#guarded(() => stage.flush?.(this.#out));
  }

  /** Waits for what a flush has started. */
  settled(): void | Promise<void> {
    const { stage } = this.config;
    if (!this.closed && stage.settled) return this.#guarded(() => stage.settled?.());
  }

  /** Returns a test for whether all lines received so far have left the stage. */
  mark(): () => boolean {
    return this.config.stage.mark?.() ?? (() => true);
  }

  /** Ends the input of the stage. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.#state.emitGap();
    await this.flush();
    await this.settled();
  }

  /** Writes what the stage has kept. Returns whether there is more, so that this must be called again. */
  async finish(): Promise<boolean> {
    let more: unknown = false;
    if (!this.closed)
      await this.#guarded(async () => {
        more = await this.config.stage.finish?.(this.#out);
      });
    return more === true;
  }

  /** Closes the stage. If all went well, writes its status event. */
  async end(well: boolean): Promise<void> {
    const { stage } = this.config;
    if (!this.#opened) return;
    this.#opened = false;
    if (this.failed) await this.#guarded(() => stage.flush?.(this.#out, true)); // lines received before the error still go out
    const out = this.failed ? discarded : this.#out;
    await this.#guarded(() => stage.end?.(out));
    if (well && !this.closed) this.#state.ended();
    this.#state.closed = true;
  }

  fail(error: unknown): void {
    this.#state.fail(error);
  }

  /** Runs a task; an error fails the stage. Returns a promise only if the task does. */
  #guarded(task: () => unknown): void | Promise<void> {
    try {
      const done = task();
      if (done instanceof Promise) return done.catch((error) => this.fail(error));
    } catch (error) {
      this.fail(error);
    }
  }

  #keep(): Batch {
    this.#kept ??= new Batch();
    return this.#kept;
  }

  async #done(): Promise<void> {
    await this.#pending;
    this.#pending = undefined;
    if (this.next.busy) await this.next.settle();
  }
}
