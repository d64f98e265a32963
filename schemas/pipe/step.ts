import { recordWords } from '../generated/kinds.js';
import { Batch } from './batch.js';
import type { InvalidPolicy } from './invalid.js';
import { status } from './ledger.js';
import { type AnyEvent, Line } from './line.js';
import { type Lines, lineLimit } from './lines.js';
import { unknownKind } from './scan/scanner.js';
import { canonical, type Output, type Records } from './stage.js';
import { enough, nowhere, type Part, type Target, wanted } from './target.js';

const newline = 10;

/**
 * A stage in a pipe: what it gets is counted and checked, what it puts out goes straight into the next. While it waits
 * for something, what comes is kept: whoever feeds it has it settled before there is more.
 */
export class Step implements Target {
  readonly out: Output;
  /** It takes no more, after an error or at its end. */
  closed = false;
  /** It has ended by an error. */
  failed = false;
  /** Something came after that: its feeder is to end too, as by SIGPIPE. */
  refused = false;
  #opened = false;
  #wants = wanted(undefined);
  readonly #keeps: ((line: Line) => boolean) | undefined;
  #policy: InvalidPolicy | undefined;
  #pending: Promise<void> | undefined; // the stage has not done with its last line yet
  #kept: Batch | undefined; // what came since
  readonly #joined = new Batch(); // a line that got fields more
  readonly #made = new Line();
  #number = 0;
  #gap = 0; // invalid lines since the last valid one

  constructor(
    readonly part: Part,
    readonly next: Target,
    wake: () => void,
    /** Called when the stage waits for something. */
    private readonly waits: () => void,
  ) {
    const { stage, ledger } = part;
    this.#keeps = stage.keep?.bind(stage);
    this.out = {
      pass: (line) => {
        next.line(line);
        ledger.out++;
      },
      drop: (lines = 1) => {
        ledger.filtered += lines;
      },
      stored: (count) => {
        ledger.out += count;
      },
      event: (event) => {
        next.text(canonical(event));
        ledger.out++;
      },
      bytes: (buffer, start, end) => {
        next.bytes(buffer, start, end);
        ledger.out++;
      },
      extended: ({ buffer, start, end }, fields, from, to) => {
        next.extended(buffer, start, end, fields, from, to);
        ledger.out++;
      },
      lost: (where, count) => {
        ledger.lost += count;
        if (!stage.sink) this.#own({ type: 'lost', v: 1, stage: stage.name, where, count });
      },
      text: (text) => next.text(text),
      wake,
      get full() {
        return next.full;
      },
    };
  }

  get busy(): boolean {
    return this.#pending !== undefined || (this.#kept?.length ?? 0) > 0 || this.next.busy;
  }

  get full(): boolean {
    return (this.#kept?.length ?? 0) > enough || this.next.full;
  }

  async open(): Promise<void> {
    const { stage, policy, status: told } = this.part;
    await this.#guarded(async () => {
      this.#policy = policy();
      this.#opened = true;
      await stage.open?.(this.out);
      this.#wants = wanted(stage.types);
      const filters = stage.filters && Object.keys(stage.filters).length > 0 ? { filters: stage.filters } : {};
      if (told) this.#own(status(stage.name, 'start', filters));
    });
  }

  line(line: Line): void {
    if (this.busy) this.#keep().bytes(line.buffer, line.start, line.end);
    else if (this.closed) this.refused = true;
    else {
      this.#number++;
      this.#feed(line);
    }
  }

  bytes(buffer: Buffer, start: number, end: number): void {
    if (this.busy) this.#keep().bytes(buffer, start, end);
    else if (this.closed) this.refused = true;
    else this.take(buffer, start, end);
  }

  extended(buffer: Buffer, start: number, end: number, fields: Buffer, from: number, to: number): void {
    const batch = this.busy ? this.#keep() : this.#joined;
    batch.extended(buffer, start, end, fields, from, to);
    if (batch !== this.#joined) return;
    const line = batch.take();
    this.bytes(line, 0, line.length - 1);
  }

  text(line: string): void {
    for (const one of line.includes('\n') ? line.split('\n') : [line]) {
      const bytes = Buffer.from(one);
      this.bytes(bytes, 0, bytes.length);
    }
  }

  /** Takes a line from where it was read, and scanned. */
  read({ buffer, start, end, table, record }: Lines): void {
    this.#number++;
    this.#made.stays = true;
    if (table[record + 2] === unknownKind) this.#found(buffer, start, end, this.#made.parse);
    else {
      this.#made.move(buffer, start, end, table, record);
      this.#feed(this.#made);
    }
  }

  /** Offers the stage lines from where they were read, and scanned. Returns how many it has taken. */
  readMany(lines: Lines): number {
    const { stage, ledger } = this.part;
    if (!stage.lines || lines.table[lines.record + 2] === unknownKind) return 0;
    if (this.#gap > 0) this.#tellGap();
    this.#made.stays = true;
    const { buffer, table, record } = lines;
    const records: Records = {
      count: () => lines.valid(),
      place: (count) => {
        const last = record + (count - 1) * recordWords;
        return { buffer, start: table[record] as number, end: (table[last + 1] as number) + 1 };
      },
      gather: (gather) => lines.gather(gather),
      gathered: lines.gathered,
      line: (at) => {
        const of = record + at * recordWords;
        this.#made.move(buffer, table[of] as number, table[of + 1] as number, table, of);
        return this.#made;
      },
    };
    try {
      const taken = stage.lines(records, this.out);
      this.#number += taken;
      ledger.in += taken;
      return taken;
    } catch (error) {
      this.fail(error);
      return 0;
    }
  }

  /** Scans a line and hands it to the stage. */
  take(buffer: Buffer, start: number, end: number): void {
    if (end - start > lineLimit) {
      this.long(buffer.subarray(start, start + lineLimit));
      return;
    }
    this.#number++;
    this.#made.stays = false;
    this.#found(buffer, start, end, this.#made.take);
  }

  /** Of a line that is too long there is the beginning. */
  long(head: Buffer): void {
    this.#number++;
    this.#bad(`longer than ${lineLimit} bytes`, head);
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
  async flush(): Promise<void> {
    if (!this.closed) await this.#guarded(() => this.part.stage.flush?.(this.out));
  }

  /** No line comes any more. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.#tellGap();
    await this.flush();
  }

  /** Puts out what was kept until now. Returns whether there is more, and this is to be called again. */
  async finish(): Promise<boolean> {
    let more: unknown = false;
    if (!this.closed)
      await this.#guarded(async () => {
        more = await this.part.stage.finish?.(this.out);
      });
    return more === true;
  }

  /** Closes what the stage has open; after all went well, tells its account. */
  async end(well: boolean): Promise<void> {
    const { stage, ledger, status: told } = this.part;
    if (!this.#opened) return;
    this.#opened = false;
    if (this.failed) await this.#guarded(() => stage.flush?.(this.out, true)); // what came before it goes on all the same
    const out = this.failed ? nowhere : this.out;
    await this.#guarded(() => stage.end?.(out));
    if (well && !this.closed && told) this.#own(status(stage.name, 'end', { ...ledger, ...stage.counts?.() }));
    this.closed = true;
  }

  fail(error: unknown): void {
    if (this.closed) return;
    this.closed = this.failed = true;
    this.part.failed(error);
  }

  /** A line that may be none: `take` says. */
  #found(buffer: Buffer, start: number, end: number, take: Line['take']): void {
    if (blank(buffer, start, end)) return;
    const reason = take.call(this.#made, buffer, start, end);
    if (reason === undefined) this.#feed(this.#made);
    else this.#bad(reason, buffer.subarray(start, end));
  }

  #feed(line: Line): void {
    const { stage, ledger } = this.part;
    ledger.in++;
    if (this.#gap > 0) this.#tellGap();
    try {
      if (!this.#wants(line.kind, line.type)) this.out.pass(line);
      else if (this.#keeps) {
        if (this.#keeps(line)) this.out.pass(line);
        else ledger.filtered++;
      } else {
        const pending = stage.line(line, this.out);
        if (pending) this.#wait(pending);
      }
    } catch (error) {
      this.fail(error);
    }
  }

  #wait(pending: Promise<void>): void {
    this.#pending = pending.catch((error) => this.fail(error));
    this.waits();
  }

  #bad(reason: string, raw: Buffer): void {
    const { ledger } = this.part;
    ledger.in++;
    ledger.invalid++;
    ledger.lost++;
    this.#gap++;
    try {
      this.#policy?.line(this.#number, reason, raw);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Says in the stream, at the place of the invalid lines, that they are missing. A sink has no stream. */
  #tellGap(): void {
    const { stage } = this.part;
    if (this.#gap > 0) stage.invalid?.(this.#gap);
    if (this.#gap > 0 && !stage.sink)
      this.#own({ type: 'lost', v: 1, stage: stage.name, where: 'invalid', count: this.#gap });
    this.#gap = 0;
  }

  /** The stage's own account is not among what it counts. */
  #own(event: AnyEvent): void {
    this.next.text(canonical(event));
  }

  async #guarded(task: () => unknown): Promise<void> {
    try {
      await task();
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

function blank(buffer: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = buffer[at];
    if (byte !== 32 && byte !== 13 && byte !== 9) return false;
  }
  return true;
}
