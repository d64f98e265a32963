import type { Line } from '../line/line.js';
import type { ScannedLines } from '../scan/scanned-lines.js';
import { type Downstream, fullBytes } from './downstream.js';
import { Feed } from './feed.js';
import { OutputBuffer } from './output-buffer.js';
import type { StageConfig } from './stage-config.js';

const newline = 10;

/**
 * Runs one stage of a pipeline, from open to close. While the stage waits for a promise, its input is queued; the pipeline
 * runner calls `settle` before reading more.
 */
export class StageRunner implements Downstream {
  /** Whether a line arrived after it was closed. The stage before it then ends too, as if by SIGPIPE. */
  refused = false;
  readonly feed: Feed;
  #opened = false;
  #pending: Promise<void> | undefined; // the stage is still processing its last line
  #queue: OutputBuffer | undefined; // lines received since then

  constructor(
    readonly config: StageConfig,
    readonly next: Downstream,
    wake: () => void,
    /** Called when the stage starts to wait for a promise. */
    onWait: () => void,
  ) {
    this.feed = new Feed(config, next, wake, (pending) => {
      this.#pending = pending.catch((error) => this.feed.fail(error));
      onWait();
    });
  }

  get busy(): boolean {
    return this.#pending !== undefined || (this.#queue?.length ?? 0) > 0 || this.next.busy;
  }

  get full(): boolean {
    return (this.#queue?.length ?? 0) > fullBytes || this.next.full;
  }

  async open(): Promise<void> {
    await this.#guarded(async () => {
      this.feed.policy = this.config.policy();
      this.#opened = true;
      await this.config.stage.open?.(this.feed.out);
      this.feed.opened();
    });
  }

  line(line: Line): void {
    if (this.busy) this.#enqueue(line.buffer, line.start, line.end);
    else if (this.feed.closed) this.refused = true;
    else this.feed.line(line);
  }

  lines(lines: ScannedLines): void {
    for (let at = 0; at < lines.count; ) {
      if (this.busy) {
        this.#enqueue(lines.buffer, lines.start(at), lines.end(at)); // a later stage may still hold the line before it
        at++;
        continue;
      }
      const taken = this.feed.closed ? 0 : this.feed.many(lines.part(at, lines.count));
      if (taken === 0) this.line(lines.line(at));
      at += taken || 1;
    }
  }

  bytes(buffer: Buffer, start: number, end: number, lines = 1): void {
    if (lines > 1) for (const [from, to] of split(buffer, start, end)) this.bytes(buffer, from, to);
    else if (this.busy) this.#enqueue(buffer, start, end);
    else if (this.feed.closed) this.refused = true;
    else this.feed.take(buffer, start, end);
  }

  text(text: string): void {
    const bytes = Buffer.from(text);
    this.bytes(bytes, 0, bytes.length, text.includes('\n') ? 2 : 1);
  }

  async settle(): Promise<void> {
    await this.#lineDone();
    if (!this.#queue || this.#queue.length === 0) return;
    const queue = this.#queue.take();
    for (const [start, end] of split(queue, 0, queue.length - 1)) {
      this.bytes(queue, start, end);
      if (this.busy) await this.#lineDone();
    }
  }

  /** Flushes the stage, as the input pauses. */
  flush(): void | Promise<void> {
    const { stage } = this.config;
    if (!this.feed.closed && stage.flush) return this.#guarded(() => stage.flush?.(this.feed.out));
  }

  /** Waits for what a flush has started. */
  backgroundDone(): void | Promise<void> {
    const { background } = this.config.stage;
    if (!this.feed.closed && background) return this.#guarded(() => background.done());
  }

  /** Ends the input of the stage. */
  async endInput(): Promise<void> {
    if (this.feed.closed) return;
    this.feed.writeSkipped();
    await this.flush();
    await this.backgroundDone();
  }

  /** Writes what the stage has kept. Returns whether there is more, so that this must be called again. */
  async finish(): Promise<boolean> {
    let more: unknown = false;
    if (!this.feed.closed)
      await this.#guarded(async () => {
        more = await this.config.stage.finish?.(this.feed.out);
      });
    return more === true;
  }

  /** Closes the stage. If all went well, writes its status event. */
  async close(well: boolean): Promise<void> {
    const { stage } = this.config;
    if (!this.#opened) return;
    this.#opened = false;
    if (this.feed.failed) await this.#guarded(() => stage.flush?.(this.feed.out, true)); // lines received before the error still go out
    await this.#guarded(() => stage.close?.());
    if (well && !this.feed.closed) this.feed.ended();
    this.feed.closed = true;
  }

  /** Runs a task; an error fails the stage. Returns a promise only if the task does. */
  #guarded(task: () => unknown): void | Promise<void> {
    try {
      const done = task();
      if (done instanceof Promise) return done.catch((error) => this.feed.fail(error));
    } catch (error) {
      this.feed.fail(error);
    }
  }

  #enqueue(buffer: Buffer, start: number, end: number): void {
    this.#queue ??= new OutputBuffer();
    this.#queue.bytes(buffer, start, end);
  }

  /** Waits until the last line is processed, here and in the stages after it. */
  async #lineDone(): Promise<void> {
    await this.#pending;
    this.#pending = undefined;
    if (this.next.busy) await this.next.settle();
  }
}

/** Yields the start and the end of each line in buffer[start..end), whose last newline is left out. */
function* split(buffer: Buffer, start: number, end: number): Generator<[start: number, end: number]> {
  for (let from = start; from <= end; ) {
    const newlineAt = buffer.indexOf(newline, from);
    const to = newlineAt < 0 || newlineAt > end ? end : newlineAt;
    yield [from, to];
    from = to + 1;
  }
}
