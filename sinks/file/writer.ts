import { setTimeout as sleep } from 'node:timers/promises';
import { counted, countLines } from '../../schemas/pipe/io/fd.js';
import type { Line } from '../../schemas/pipe/line/line.js';
import { logMessage } from '../../schemas/pipe/messages/log.js';
import type { ScannedLines } from '../../schemas/pipe/scan/scanned-lines.js';
import { Batch } from '../../schemas/pipe/stage/batch.js';
import type { Output } from '../../schemas/pipe/stage/stage.js';
import { Full, type OnFull } from './full.js';
import { type FileOptions, failure, WholeLines, worthThread } from './whole-lines.js';

/** How often it is checked that the path still names the file (ms), and how long SIGHUP may take after it was moved. */
const checkMs = 500;
const graceMs = 300;

export interface WriterOptions extends FileOptions {
  onFull: OnFull;
}

/** Where it says what became of lines. */
type Told = Pick<Output, 'stored' | 'lost'>;

/** So many lines that were not written, and why. */
interface GivenUp {
  lines: number;
  error: unknown;
}

/** Lines for one open file, many with one write. They count as stored once written. */
export class Writer {
  readonly #file: WholeLines;
  readonly #full: Full;
  #batch = new Batch();
  #begun = new Batch(); // by turns the one whose bytes are written
  #underWay = 0; // bytes
  #writing: Promise<GivenUp | undefined> | undefined;
  #moved = false;
  #checked = 0; // when, ms

  constructor(
    readonly path: string,
    private readonly options: WriterOptions,
  ) {
    this.#file = new WholeLines(path, options);
    this.#full = new Full(path, options);
  }

  /** Opens the file. One last written before `since` (ms) is first moved to its closed name. */
  open(since = 0): Promise<void> {
    return this.#file.open(since);
  }

  get regular(): boolean {
    return this.#file.regular;
  }

  /** How long the file is to be, with what is not written yet. */
  get size(): number {
    return this.#file.size + this.#underWay + this.#batch.length;
  }

  add({ buffer, start, end, stays }: Line): void {
    if (stays) this.#batch.line(buffer, start, end + 1);
    else this.#batch.bytes(buffer, start, end);
  }

  /** Adds lines from where they stay until they are written, and closes the gaps between them. Returns their bytes. */
  addMany(lines: ScannedLines): number {
    const before = this.#batch.length;
    const start = this.#batch.behind(lines.buffer) ?? lines.start(0);
    this.#batch.line(lines.buffer, start, lines.pack(start), lines.count);
    return this.#batch.length - before;
  }

  /** The file may have been moved away (logrotate): from the next write on, the path is another file. */
  moved(): void {
    this.#moved = true;
    this.#full.retry();
  }

  /** The stage is to end soon: does not wait for space any longer. */
  stop(): void {
    this.#full.stop();
  }

  /** Writes what is held, and counts it. */
  async write(out: Told): Promise<void> {
    await this.begin(out);
    await this.settled();
  }

  /** The same, but what is much is written in a thread: it goes on beside what comes next, until it has `settled`. */
  async begin(out: Told): Promise<void> {
    await this.settled();
    const { lines, length } = this.#batch;
    if (lines === 0 && !this.#moved) return;
    [this.#batch, this.#begun] = [this.#begun, this.#batch];
    this.#underWay = length;
    this.#writing = this.#write(this.#begun.take(), lines, out);
    this.#writing.catch(() => {}); // `settled` tells
    if (length < worthThread) await this.settled();
  }

  /** What was begun is done. */
  async settled(): Promise<void> {
    const writing = this.#writing;
    this.#writing = undefined;
    const left = await writing;
    if (!left) return;
    const lines = left.lines + this.#batch.lines;
    this.#batch.take();
    throw failure('write', this.path, left.error, lines > 0 ? `, ${counted(lines)} not written` : '');
  }

  sync(): Promise<void> {
    return this.#file.sync();
  }

  async close(): Promise<void> {
    await this.#end();
    await this.#file.close();
  }

  /** Gives the file its closed name, and closes it. */
  async retire(to: string): Promise<void> {
    await this.#end();
    await this.#file.rename(to);
  }

  /** Closes the file after SIGHUP, or if the path names another one by now: the next write opens that. */
  async #follow(): Promise<void> {
    const now = process.hrtime()[0] * 1_000 + process.hrtime()[1] / 1e6;
    if (!this.#moved && now - this.#checked >= checkMs) {
      this.#checked = now;
      const how = this.#file.strayed();
      if (how === 'moved') await this.#signal();
      if (how && !this.#moved) {
        logMessage(this.options.stage, `${this.path} was ${how}; writing to a new file of that name`);
        this.#moved = true;
      }
    }
    if (!this.#moved) return;
    this.#moved = false;
    await this.#file.close();
  }

  /** Waits for a SIGHUP that logrotate may be about to send. */
  async #signal(): Promise<void> {
    for (let waited = 0; waited < graceMs && !this.#moved; waited += 10) await sleep(10);
  }

  /** Says what was dropped and could not be written until now. */
  async #end(): Promise<void> {
    const gap = this.#full.gap();
    if (gap.length > 0) await this.#file.append(gap);
    this.#full.end();
  }

  async #write(bytes: Buffer, lines: number, out: Told): Promise<GivenUp | undefined> {
    for (let [rest, due] = [bytes, lines]; ; ) {
      await this.#follow();
      const gap = this.#full.gap();
      const gapLeft = gap.length > 0 ? await this.#file.append(gap) : undefined;
      if (gap.length > 0 && !gapLeft) this.#full.told();
      const left = gapLeft ? { ...gapLeft, bytes: rest } : await this.#file.append(rest);
      const lost = left ? countLines(left.bytes) : 0;
      this.#underWay = left?.bytes.length ?? 0;
      out.stored(due - lost);
      if (!left) this.#full.over();
      const next = left && (await this.#full.met(left.error, lost));
      if (left && next === 'again') [rest, due] = [left.bytes, lost];
      else {
        this.#underWay = 0;
        if (next === 'drop') out.lost('disk full', lost);
        return left && next === 'exit' ? { lines: lost, error: left.error } : undefined;
      }
    }
  }
}
