import { countLines } from '../../schemas/pipe/io/fd.js';
import type { Place } from '../../schemas/pipe/io/input.js';
import type { Source } from '../../schemas/pipe/io/source.js';
import { Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';
import { micros } from '../../schemas/pipe/line/moment.js';
import type { Clock, Time } from './clock.js';

const newline = 10;
const ts = new LineField('ts');
/** How many bytes are read ahead. A longer line is passed on as it is read, without regard to its time. */
const room = 1 << 18;
/** The longest pause in µs, since a recorded clock may be wrong. A timer can sleep at least this long. */
const longest = 3600e6;
/** How many lines ahead are checked to see whether the recorded time really jumped. */
const linesAhead = 3;

/**
 * Reads a recording, and returns each line when its `ts` is due by the clock. A line without `ts`, or with an older one than
 * the line before it, comes together with that line. After a pause that is too long, or a long step back, the pace continues
 * from there. Ctrl-C ends it at any point: nothing is lost by that.
 */
export class Paced implements Source {
  readonly piped = false;
  readonly #buffer = Buffer.allocUnsafeSlow(room);
  readonly #line = Object.assign(new Line(), { lenient: true }); // the stage that reads it checks it
  readonly #left = new AbortController();
  #start = 0; // buffer[start..due) is due to be returned, buffer[due..end) is for later
  #due = 0;
  #end = 0;
  #lines = 0; // in what was read from the recording
  #over = false;

  constructor(
    private readonly recording: Source,
    private readonly clock: Clock,
    private readonly time: Time,
    private readonly report: (text: string) => void = () => {},
  ) {}

  async read(into: Buffer): Promise<number> {
    while (this.#start === this.#due) {
      const end = this.#lineEnd();
      if (end < 0) {
        if (!(await this.#fill())) return this.#left.signal.aborted ? -1 : 0;
      } else {
        const length = end - this.#due;
        await this.#wait(this.#moment(this.#start, end), length);
        if (this.#left.signal.aborted) return -1;
        this.#due += length; // #due may have moved
        this.#more();
      }
    }
    const bytes = this.#buffer.copy(into, 0, this.#start, Math.min(this.#due, this.#start + into.length));
    this.#start += bytes;
    return bytes;
  }

  size(): number | undefined {
    return this.recording.size?.();
  }

  get exitCode(): number {
    return this.recording.exitCode ?? 0;
  }

  place(line: number): Place {
    return this.recording.place?.(line) ?? { line };
  }

  async end(): Promise<void> {
    await this.recording.end?.(true);
  }

  leave(): void {
    this.#left.abort();
    this.recording.leave();
  }

  release(): Promise<boolean> {
    return this.recording.release();
  }

  /** Returns the end of the first line that is not due yet; -1 if more must be read to find it. */
  #lineEnd(): number {
    const at = this.#buffer.subarray(this.#due, this.#end).indexOf(newline);
    if (at >= 0) return this.#due + at + 1;
    const whole = this.#over || this.#end - this.#due === room;
    return whole && this.#end > this.#due ? this.#end : -1;
  }

  /** Adds the following lines that are due too. */
  #more(): void {
    for (let end = this.#lineEnd(); end >= 0; end = this.#lineEnd()) {
      const moment = this.#moment(this.#due, end);
      const us = this.clock.at(moment) - this.time.now(); // NaN if it has no time
      if (us > 0 || us < -longest) return;
      this.#due = end;
    }
  }

  /** Reads more. Returns whether there is anything to return. */
  async #fill(): Promise<boolean> {
    this.#buffer.copyWithin(0, this.#due, this.#end);
    this.#end -= this.#due;
    this.#start = this.#due = 0;
    if (this.#over) return false;
    const free = this.#buffer.subarray(this.#end);
    const bytes = await this.recording.read(free, this.#lines);
    if (bytes > 0) this.#lines += countLines(free.subarray(0, bytes));
    this.#over = bytes <= 0;
    this.#end += Math.max(0, bytes);
    return bytes > 0 || (bytes === 0 && this.#end > 0);
  }

  /** Returns a line's time; NaN if it has no time, or is not a valid event, which the stage that reads it reports. */
  #moment(start: number, end: number): number {
    const last = this.#buffer[end - 1] === newline ? end - 1 : end;
    if (this.#line.take(this.#buffer, start, last) !== undefined) return Number.NaN;
    return micros(this.#line.text(ts));
  }

  /** Waits until the line of `length` bytes at `#due` is due. */
  async #wait(moment: number, length: number): Promise<void> {
    const late = this.time.now() - this.clock.at(moment);
    if (late > longest) this.clock.skip(-late);
    if (-late > longest) {
      if (await this.#isWrong(moment, length)) return;
      this.report(`shortened a pause of ${Math.round(-late / 1e6)} s to ${longest / 1e6} s`);
      this.clock.skip(-late - longest);
    }
    while (!this.#left.signal.aborted) {
      const us = this.clock.at(moment) - this.time.now();
      if (!(us > 0)) return;
      await this.time.sleep(us, this.#left.signal).catch(() => {}); // aborted: the loop ends
    }
  }

  /** Whether a line's time is far ahead of the lines after it. Reads those if necessary. */
  async #isWrong(moment: number, length: number): Promise<boolean> {
    let passed = length;
    for (let left = linesAhead; left > 0; ) {
      const start = this.#due + passed;
      const at = this.#buffer.subarray(start, this.#end).indexOf(newline);
      if (at < 0) {
        if (this.#over || this.#end - this.#due === room) return false;
        await this.#fill();
        continue;
      }
      const next = this.#moment(start, start + at + 1);
      if (this.clock.at(next) < this.clock.at(moment) - longest) return true;
      passed += at + 1;
      left--;
    }
    return false;
  }
}
