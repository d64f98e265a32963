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
 * A stage in a pipe: what it gets is counted and checked, what it puts out goes straight into the next. While it waits
 * for something, what comes is kept: whoever feeds it has it settled before there is more.
 */
export class StageRunner implements Downstream {
  /** Something came after it was closed: its feeder is to end too, as by SIGPIPE. */
  refused = false;
  readonly #out: Output;
  readonly #state: StageState;
  readonly #feed: Feed;
  #opened = false;
  #pending: Promise<void> | undefined; // the stage has not done with its last line yet
  #kept: Batch | undefined; // what came since
  readonly #extended = new Batch(); // a line that got fields more

  constructor(
    readonly config: StageConfig,
    readonly next: Downstream,
    wake: () => void,
    /** Called when the stage waits for something. */
    onWait: () => void,
  ) {
    this.#state = new StageState(config, next);
    this.#out = output(config, this.#state, next, wake);
    this.#feed = new Feed(config, this.#out, this.#state, next, (pending) => {
      this.#pending = pending.catch((error) => this.fail(error));
      onWait();
    });
  }

  /** It takes no more, after an error or at its end. */
  get closed(): boolean {
    return this.#state.closed;
  }

  /** It has ended by an error. */
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
        this.#keep().bytes(lines.buffer, lines.start(at), lines.end(at)); // a stage may still have the line before it
        at++;
        continue;
      }
      const taken = this.takesMany && !this.closed ? this.readMany(lines.part(at, lines.count)) : 0;
      if (taken === 0) this.line(lines.line(at));
      at += taken || 1;
    }
  }

  /** Takes a line from where it was read, and scanned. */
  read(lines: LineSplitter): void {
    this.#feed.read(lines);
  }

  /** Whether it may take many lines at once. */
  get takesMany(): boolean {
    return this.#feed.takesMany;
  }

  /** Offers the stage lines from where they were read, and scanned. Returns how many of the first ones it has taken. */
  readMany(lines: ScannedLines): number {
    return this.#feed.many(lines);
  }

  /** Takes the beginning of a line that is too long. */
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

  /** The input pauses. */
  flush(): void | Promise<void> {
    const { stage } = this.config;
    if (!this.closed && stage.flush) return this.#guarded(() => stage.flush?.(this.#out));
  }

  /** What a flush has begun is done. */
  settled(): void | Promise<void> {
    const { stage } = this.config;
    if (!this.closed && stage.settled) return this.#guarded(() => stage.settled?.());
  }

  /** Returns a test: whether all lines that came until now have left the stage. */
  mark(): () => boolean {
    return this.config.stage.mark?.() ?? (() => true);
  }

  /** No line comes any more. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.#state.emitGap();
    await this.flush();
    await this.settled();
  }

  /** Puts out what was kept until now. Returns whether there is more, and this is to be called again. */
  async finish(): Promise<boolean> {
    let more: unknown = false;
    if (!this.closed)
      await this.#guarded(async () => {
        more = await this.config.stage.finish?.(this.#out);
      });
    return more === true;
  }

  /** Closes what the stage has open; after all went well, tells its account. */
  async end(well: boolean): Promise<void> {
    const { stage } = this.config;
    if (!this.#opened) return;
    this.#opened = false;
    if (this.failed) await this.#guarded(() => stage.flush?.(this.#out, true)); // what came before it goes on all the same
    const out = this.failed ? discarded : this.#out;
    await this.#guarded(() => stage.end?.(out));
    if (well && !this.closed) this.#state.ended();
    this.#state.closed = true;
  }

  fail(error: unknown): void {
    this.#state.fail(error);
  }

  /** Waits only where there is something to wait for. */
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
