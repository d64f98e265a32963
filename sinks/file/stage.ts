import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Line } from '../../schemas/pipe/line/line.js';
import type { ScannedLines } from '../../schemas/pipe/scan/scanned-lines.js';
import type { Background, Batch, Control, Output, Stage } from '../../schemas/pipe/stage/stage.js';
import { closedName } from './closed.js';
import { Housekeeping, type HousekeepingOptions } from './housekeeping.js';
import { pointTo } from './latest.js';
import { fileError } from './line-file.js';
import { OpenFiles } from './open-files.js';
import { PathCache } from './path-cache.js';
import { Period } from './period.js';
import { type Fsync, Syncer } from './syncer.js';
import type { Template } from './template.js';
import { Writer, type WriterOptions } from './writer.js';

/** Lines are written once they exceed this many bytes. One read is less, so what was read at once is written at once. */
const writeAt = 1 << 21;

export interface SinkFileOptions extends Omit<WriterOptions, 'stage'>, HousekeepingOptions {
  template: Template;
  fsync: Fsync;
  /** The most bytes that a file may have. */
  rotateSize: number;
  /** How long each file is written to (ms). */
  rotateEvery: number | undefined;
  maxOpen: number;
  latest: string | undefined;
}

/** Appends events to the file for their time and fields, many per write. Closes files that are full or whose period is over. */
export class SinkFile implements Stage {
  readonly name = 'sink-file';
  readonly traits = { sink: true };
  readonly batch: Batch = { lines: (lines) => this.#lines(lines) };
  readonly background: Background = { done: () => (this.#writing ? this.#settled() : undefined) };
  readonly control: Control = { stop: () => this.#stop(), reopen: () => this.#reopen() };
  readonly #paths: PathCache;
  readonly #files: OpenFiles;
  readonly #period: Period;
  readonly #syncer: Syncer;
  readonly #housekeeping: Housekeeping;
  /** Files rotate more often than the name changes, so a file gets a time stamp in its name when it is closed. */
  readonly #stamps: boolean;
  #held = 0;
  #writing = false; // writes may be in progress
  #reopened = false;
  #wake = () => {};

  constructor(private readonly options: SinkFileOptions) {
    const { template, rotateEvery, maxOpen, fsync } = options;
    this.#syncer = new Syncer(fsync);
    this.#paths = new PathCache(template);
    this.#files = new OpenFiles(maxOpen);
    this.#period = new Period(rotateEvery ?? template.every);
    this.#stamps = rotateEvery !== undefined && !(template.every !== undefined && template.every <= rotateEvery);
    this.#housekeeping = new Housekeeping(template, options, (path) => this.#files.has(path));
  }

  async open(out: Output): Promise<void> {
    this.#wake = out.wake;
    const { template } = this.options;
    if (template.fields.length === 0) await this.#open(template.path(this.#period.start), out);
    this.#housekeeping.start(this.#period.start);
    this.#period.watch(this.#wake);
  }

  line(line: Line, out: Output): void | Promise<void> {
    // A line of the next period may arrive before its timer fires, so the clock is also read here, once per batch.
    if (this.#held === 0 && this.#period.advance()) return this.#flush(out, true).then(() => this.line(line, out));
    const writer = this.#files.get(this.#paths.of(line, this.#period.start));
    if (!writer || !this.#fits(writer, line)) return this.#addToOther(line, out);
    return this.#add(writer, line, out);
  }

  /** Takes lines without copying them, if all of them go to the same file. */
  #lines(lines: ScannedLines): number {
    const writer = this.#onlyFile();
    if (!writer) return 0;
    const { known } = lines;
    const span = lines.end(known - 1) + 1 - lines.start(0); // a filter may have left gaps between the lines
    const room = writer.regular ? this.options.rotateSize - writer.size : Number.POSITIVE_INFINITY;
    if (span > room || this.#held + span > writeAt) return 0;
    this.#held += writer.addMany(lines.part(0, known));
    return known;
  }

  flush(out: Output, last = false): void | Promise<void> {
    const over = this.#period.advance();
    if (!over) this.#period.watch(this.#wake); // the timer may have fired early
    if (this.#writing || this.#held > 0 || over || this.#reopened || this.#syncer.due)
      return this.#flush(out, over, last);
  }

  #reopen(): void {
    for (const writer of this.#files) writer.reopen();
    this.#reopened = true;
    this.#wake();
  }

  #stop(): number {
    for (const writer of this.#files) writer.stop();
    return 0;
  }

  async finish(out: Output): Promise<undefined> {
    if (!this.options.archive) return;
    await this.#rotate(out);
    const { latest } = this.options;
    if (latest !== undefined && !existsSync(latest)) await rm(latest, { force: true });
  }

  async close(): Promise<void> {
    this.#period.close();
    this.#syncer.close();
    await this.#files.each((writer) => this.#close(writer)).finally(() => this.#housekeeping.end());
    this.#housekeeping.check();
  }

  #add(writer: Writer, line: Line, out: Output): void | Promise<void> {
    writer.add(line);
    this.#held += line.end - line.start + 1;
    return this.#held > writeAt ? this.#flush(out, false) : undefined;
  }

  /** Returns the open file that all lines go to now, if there is one. */
  #onlyFile(): Writer | undefined {
    if (this.options.template.fields.length > 0 || (this.#held === 0 && this.#period.over)) return undefined;
    return this.#files.get(this.#paths.only(this.#period.start));
  }

  #fits(writer: Writer, { start, end }: Line): boolean {
    const { size } = writer;
    return size + (end - start) < this.options.rotateSize || size === 0 || !writer.regular;
  }

  /** Adds a line whose file is full or not open. */
  async #addToOther(line: Line, out: Output): Promise<void> {
    const path = this.#paths.of(line, this.#period.start);
    for (;;) {
      const writer = this.#files.get(path) ?? (await this.#open(path, out));
      if (this.#fits(writer, line)) return this.#add(writer, line, out);
      await writer.write(out);
      if (!this.#fits(writer, line)) await this.#retire(writer, true);
    }
  }

  async #open(path: string, out: Output): Promise<Writer> {
    const oldest = this.#files.leastRecentlyUsed;
    if (oldest) {
      await oldest.write(out);
      await this.#close(oldest);
    }
    const writer = new Writer(path, { ...this.options, stage: this.name });
    await writer.open(this.#stamps ? this.#period.start : 0);
    this.#files.add(writer);
    const { latest } = this.options;
    if (latest !== undefined)
      await pointTo(latest, path).catch((error) => {
        throw fileError('link', latest, error);
      });
    return writer;
  }

  /** Writes to all files. Large writes may still be in progress afterwards, until `background.done` or the next flush. */
  async #flush(out: Output, over: boolean, last = false): Promise<void> {
    this.#held = 0;
    this.#reopened = false;
    const { due } = this.#syncer;
    const wait = due || over || last;
    this.#writing = !wait;
    await this.#files.each((writer) => (wait ? writer.write(out) : writer.startWrite(out)));
    if (due) await this.#syncer.sync(this.#files);
    else this.#syncer.watch(this.#wake);
    if (over) await this.#rotate(out, this.#stamps);
  }

  async #settled(): Promise<void> {
    this.#writing = false;
    await this.#files.each((writer) => writer.settled());
  }

  /** Closes all files, because their period is over. */
  async #rotate(out: Output, stamps = true): Promise<void> {
    for (const writer of this.#files) {
      await writer.write(out);
      await this.#retire(writer, stamps);
    }
    this.#housekeeping.start(this.#period.start);
    this.#period.watch(this.#wake);
  }

  /** Closes a file for good: it is not written to again. */
  async #retire(writer: Writer, stamps: boolean): Promise<void> {
    const named = stamps && writer.size > 0 && writer.regular;
    const unused = !stamps && writer.size === 0 && writer.regular; // the next file has another name
    if (unused) await writer.delete();
    await this.#close(writer, named ? closedName(writer.path, Date.now()) : undefined);
    if (named) this.#housekeeping.start(this.#period.start);
  }

  /** Closes a file and, if `to` is given, renames it. */
  async #close(writer: Writer, to?: string): Promise<void> {
    this.#files.remove(writer);
    try {
      if (this.#syncer.atClose) await writer.sync();
      if (to !== undefined)
        await writer.closeAs(to).catch((error) => {
          throw fileError('rename', writer.path, error);
        });
    } finally {
      await writer.close();
    }
  }
}
