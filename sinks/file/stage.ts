import type { Line } from '../../schemas/pipe/line/line.js';
import type { ScannedLines } from '../../schemas/pipe/scan/scanned-lines.js';
import type { Output, Stage } from '../../schemas/pipe/stage/stage.js';
import { closedName } from './closed.js';
import { pointTo } from './latest.js';
import { Names } from './names.js';
import { OpenFiles } from './open-files.js';
import { Period } from './period.js';
import { type Fsync, Syncing } from './syncing.js';
import type { Template } from './template.js';
import { Tidy, type TidyOptions } from './tidy.js';
import { failure } from './whole-lines.js';
import { Writer, type WriterOptions } from './writer.js';

/** What was read at once is written at once; of lines that had to be copied no more is held. */
const writeAt = 1 << 21;

export interface Settings extends Omit<WriterOptions, 'stage'>, TidyOptions {
  template: Template;
  fsync: Fsync;
  /** Bytes that a file grows to at most. */
  rotateSize: number;
  /** Milliseconds that a file is for. */
  rotateEvery: number | undefined;
  maxOpen: number;
  latest: string | undefined;
}

/** Appends events to the file for their time and fields, many with one write, and closes files as they are full or over. */
export class SinkFile implements Stage {
  readonly name = 'sink-file';
  readonly sink = true;
  readonly #names: Names;
  readonly #files: OpenFiles;
  readonly #period: Period;
  readonly #syncing: Syncing;
  readonly #tidy: Tidy;
  /** A file is for less time than its name tells: it gets a closed name when that is over. */
  readonly #stamps: boolean;
  #held = 0;
  #begun = false; // writes may be under way
  #moved = false;
  #wake = () => {};

  constructor(private readonly settings: Settings) {
    const { template, rotateEvery, maxOpen, fsync } = settings;
    this.#syncing = new Syncing(fsync);
    this.#names = new Names(template);
    this.#files = new OpenFiles(maxOpen);
    this.#period = new Period(rotateEvery ?? template.every);
    this.#stamps = rotateEvery !== undefined && !(template.every !== undefined && template.every <= rotateEvery);
    this.#tidy = new Tidy(template, settings, (path) => this.#files.has(path));
  }

  async open(out: Output): Promise<void> {
    this.#wake = out.wake;
    const { template } = this.settings;
    if (template.fields.length === 0) await this.#open(template.path(this.#period.start), out);
    this.#tidy.start(this.#period.start);
    this.#period.watch(this.#wake);
  }

  line(line: Line, out: Output): void | Promise<void> {
    // The clock is asked once for what comes together: a line may be quicker than the timer of the next period.
    if (this.#held === 0 && this.#period.moved()) return this.#flush(out, true).then(() => this.line(line, out));
    const writer = this.#files.get(this.#names.of(line, this.#period.start));
    if (!writer || !this.#fits(writer, line)) return this.#another(line, out);
    return this.#add(writer, line, out);
  }

  /** Where all lines are for one file, they are written from where they were read. */
  lines(lines: ScannedLines): number {
    const writer = this.#only();
    if (!writer) return 0;
    const { known } = lines;
    const span = lines.end(known - 1) + 1 - lines.start(0); // a filter may have left gaps in it
    const room = writer.regular ? this.settings.rotateSize - writer.size : Number.POSITIVE_INFINITY;
    if (span > room || this.#held + span > writeAt) return 0;
    this.#held += writer.addMany(lines.part(0, known));
    return known;
  }

  flush(out: Output, last = false): void | Promise<void> {
    const over = this.#period.moved();
    if (!over) this.#period.watch(this.#wake); // it may have been woken before that time
    if (this.#begun || this.#held > 0 || over || this.#moved || this.#syncing.due) return this.#flush(out, over, last);
  }

  settled(): void | Promise<void> {
    if (this.#begun) return this.#settled();
  }

  reopen(): void {
    for (const writer of this.#files) writer.moved();
    this.#moved = true;
    this.#wake();
  }

  stop(): number {
    for (const writer of this.#files) writer.stop();
    return 0;
  }

  async finish(out: Output): Promise<undefined> {
    if (this.settings.archive === 'parquet') await this.#rotate(out);
  }

  async end(): Promise<void> {
    this.#period.close();
    this.#syncing.close();
    for (const writer of this.#files) await this.#shut(writer);
    await this.#tidy.end();
  }

  #add(writer: Writer, line: Line, out: Output): void | Promise<void> {
    writer.add(line);
    this.#held += line.end - line.start + 1;
    return this.#held > writeAt ? this.#flush(out, false) : undefined;
  }

  /** The file that all lines are for now. */
  #only(): Writer | undefined {
    if (this.settings.template.fields.length > 0 || (this.#held === 0 && this.#period.over)) return undefined;
    return this.#files.get(this.#names.only(this.#period.start));
  }

  #fits(writer: Writer, { start, end }: Line): boolean {
    const { size } = writer;
    return size + (end - start) < this.settings.rotateSize || size === 0 || !writer.regular;
  }

  /** The line's file is not open, or is full. */
  async #another(line: Line, out: Output): Promise<void> {
    const path = this.#names.of(line, this.#period.start);
    for (;;) {
      const writer = this.#files.get(path) ?? (await this.#open(path, out));
      if (this.#fits(writer, line)) return this.#add(writer, line, out);
      await writer.write(out);
      if (!this.#fits(writer, line)) await this.#retire(writer, true);
    }
  }

  async #open(path: string, out: Output): Promise<Writer> {
    const oldest = this.#files.tooMany;
    if (oldest) {
      await oldest.write(out);
      await this.#shut(oldest);
    }
    const writer = new Writer(path, { ...this.settings, stage: this.name });
    await writer.open(this.#stamps ? this.#period.start : 0);
    const { latest } = this.settings;
    if (latest !== undefined)
      await pointTo(latest, path).catch((error) => {
        throw failure('link', latest, error);
      });
    return this.#files.add(writer);
  }

  /** Writes to all files. What is much is under way when this is over, until it has `settled` or the next one is over. */
  async #flush(out: Output, over: boolean, last = false): Promise<void> {
    this.#held = 0;
    this.#moved = false;
    const { due } = this.#syncing;
    const wait = due || over || last;
    this.#begun = !wait;
    await this.#files.each((writer) => (wait ? writer.write(out) : writer.begin(out)));
    if (due) await this.#syncing.sync(this.#files);
    else this.#syncing.watch(this.#wake);
    if (over) await this.#rotate(out, this.#stamps);
  }

  async #settled(): Promise<void> {
    this.#begun = false;
    await this.#files.each((writer) => writer.settled());
  }

  /** All the files' time is over. */
  async #rotate(out: Output, stamps = true): Promise<void> {
    for (const writer of this.#files) {
      await writer.write(out);
      await this.#retire(writer, stamps);
    }
    this.#tidy.start(this.#period.start);
    this.#period.watch(this.#wake);
  }

  /** Closes a file for good. */
  async #retire(writer: Writer, stamps: boolean): Promise<void> {
    const named = stamps && writer.size > 0 && writer.regular;
    await this.#shut(writer, named ? closedName(writer.path, Date.now()) : undefined);
    if (named) this.#tidy.start(this.#period.start);
  }

  /** Closes a file; with `to`, under another name. */
  async #shut(writer: Writer, to?: string): Promise<void> {
    this.#files.remove(writer);
    try {
      if (this.#syncing.atClose) await writer.sync();
      if (to !== undefined)
        await writer.retire(to).catch((error) => {
          throw failure('rename', writer.path, error);
        });
    } finally {
      await writer.close();
    }
  }
}
