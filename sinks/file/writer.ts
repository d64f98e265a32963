import { setTimeout as sleep } from 'node:timers/promises';
import { counted, countLines } from '../../schemas/pipe/io/fd.js';
import type { Line } from '../../schemas/pipe/line/line.js';
import { logMessage } from '../../schemas/pipe/messages/log.js';
import { now } from '../../schemas/pipe/run/now.js';
import type { ScannedLines } from '../../schemas/pipe/scan/scanned-lines.js';
import { OutputBuffer } from '../../schemas/pipe/stage/output-buffer.js';
import type { Output } from '../../schemas/pipe/stage/stage.js';
import { DiskFullHandler, type OnFull } from './disk-full.js';
import { type FileOptions, fileError, LineFile, worthThread } from './line-file.js';

/** How often to check that the path still leads to the file, and how long to wait for SIGHUP after a move (ms). */
const checkMs = 500;
const graceMs = 300;

export interface WriterOptions extends FileOptions {
  onFull: OnFull;
}

type Counts = Pick<Output, 'stored' | 'lost'>;

/** How many lines will not be written, and why. */
interface WriteFailure {
  lines: number;
  error: unknown;
}

/** Writes lines to one file, many per write. Lines count as stored once they are written. */
export class Writer {
  readonly #file: LineFile;
  readonly #diskFull: DiskFullHandler;
  #batch = new OutputBuffer();
  #writingBatch = new OutputBuffer(); // being written; the two take turns
  #inProgress = 0; // bytes being written
  #writing: Promise<WriteFailure | undefined> | undefined;
  #mustReopen = false;
  #checked = 0; // time of the last check (ms)

  constructor(
    readonly path: string,
    private readonly options: WriterOptions,
  ) {
    this.#file = new LineFile(path, options);
    this.#diskFull = new DiskFullHandler(path, options);
  }

  /** Opens the file. A file last written before `since` (ms) is first renamed to its closed name. */
  open(since = 0): Promise<void> {
    return this.#file.open(since);
  }

  get regular(): boolean {
    return this.#file.regular;
  }

  /** The length of the file, including the lines that are not written yet. */
  get size(): number {
    return this.#file.size + this.#inProgress + this.#batch.length;
  }

  add(line: Line): void {
    this.#batch.add(line);
  }

  /** Adds lines without copying them out of their buffer; closes the gaps between them. Returns how many bytes were added. */
  addMany(lines: ScannedLines): number {
    const before = this.#batch.length;
    this.#batch.scanned(lines);
    return this.#batch.length - before;
  }

  /** Makes the next write open the path again, because the file may have been moved away (logrotate). */
  reopen(): void {
    this.#mustReopen = true;
    this.#diskFull.retry();
  }

  /** Stops waiting for space, because the stage ends soon. */
  stop(): void {
    this.#diskFull.stop();
  }

  /** Writes and counts the lines held. */
  async write(out: Counts): Promise<void> {
    await this.startWrite(out);
    await this.settled();
  }

  /** Starts to write the lines held. A large write continues in a thread, in parallel with later input, until `settled`. */
  async startWrite(out: Counts): Promise<void> {
    await this.settled();
    const { lines, length } = this.#batch;
    if (lines === 0 && !this.#mustReopen) return;
    [this.#batch, this.#writingBatch] = [this.#writingBatch, this.#batch];
    this.#inProgress = length;
    this.#writing = this.#writeAll(this.#writingBatch.take(), lines, out);
    this.#writing.catch(() => {}); // `settled` throws it
    if (length < worthThread) await this.settled();
  }

  /** Waits for the write in progress. Throws if lines could not be written. */
  async settled(): Promise<void> {
    const writing = this.#writing;
    this.#writing = undefined;
    const failure = await writing;
    if (!failure) return;
    const lines = failure.lines + this.#batch.lines;
    this.#batch.take();
    throw fileError('write', this.path, failure.error, lines > 0 ? `, ${counted(lines)} not written` : '');
  }

  sync(): Promise<void> {
    return this.#file.sync();
  }

  async close(): Promise<void> {
    await this.#recordDropped();
    await this.#file.close();
  }

  /** Deletes the file, which is empty. It must be closed then. */
  delete(): Promise<void> {
    return this.#file.delete();
  }

  /** Renames the file to its closed name and closes it. */
  async closeAs(to: string): Promise<void> {
    await this.#recordDropped();
    await this.#file.rename(to);
  }

  /** Closes the file after SIGHUP, or if the path no longer leads to it, so that the next write opens the path again. */
  async #closeIfMoved(): Promise<void> {
    const time = now();
    if (!this.#mustReopen && time - this.#checked >= checkMs) {
      this.#checked = time;
      const how = this.#file.pathChange();
      if (how === 'moved') await this.#awaitSighup();
      if (how && !this.#mustReopen) {
        logMessage(this.options.stage, `${this.path} was ${how}; writing to a new file of that name`);
        this.#mustReopen = true;
      }
    }
    if (!this.#mustReopen) return;
    this.#mustReopen = false;
    await this.#file.close();
  }

  /** Waits briefly for the SIGHUP that logrotate may be about to send. */
  async #awaitSighup(): Promise<void> {
    for (let waited = 0; waited < graceMs && !this.#mustReopen; waited += 10) await sleep(10);
  }

  /** Records dropped lines that are not recorded in the file yet, or at least reports them. */
  async #recordDropped(): Promise<void> {
    const lostEvent = this.#diskFull.lostEvent();
    if (lostEvent.length > 0) await this.#file.append(lostEvent);
    this.#diskFull.close();
  }

  async #writeAll(bytes: Buffer, lines: number, out: Counts): Promise<WriteFailure | undefined> {
    for (let [rest, due] = [bytes, lines]; ; ) {
      await this.#closeIfMoved();
      const lostEvent = this.#diskFull.lostEvent();
      const lostEventUnwritten = lostEvent.length > 0 ? await this.#file.append(lostEvent) : undefined;
      if (lostEvent.length > 0 && !lostEventUnwritten) this.#diskFull.reportDropped();
      const unwritten = lostEventUnwritten ? { ...lostEventUnwritten, bytes: rest } : await this.#file.append(rest);
      const lost = unwritten ? countLines(unwritten.bytes) : 0;
      this.#inProgress = unwritten?.bytes.length ?? 0;
      out.stored(due - lost);
      if (!unwritten) this.#diskFull.writeSucceeded();
      const next = unwritten && (await this.#diskFull.writeFailed(unwritten.error, lost));
      if (unwritten && next === 'retry') [rest, due] = [unwritten.bytes, lost];
      else {
        this.#inProgress = 0;
        if (next === 'drop') out.lost('disk full', lost);
        return unwritten && next === 'exit' ? { lines: lost, error: unwritten.error } : undefined;
      }
    }
  }
}
