import { Batch } from './batch.js';
import type { InvalidPolicy } from './invalid.js';
import { status } from './ledger.js';
import { type AnyEvent, Line } from './line.js';
import { type Lines, lineLimit } from './lines.js';
import type { Choice } from './scan/choice.js';
import type { Scanned } from './scan/scanned.js';
import { unknownKind } from './scan/scanner.js';
import { canonical, type Output } from './stage.js';
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
      lines: (buffer, start, end, lines) => {
        next.block(buffer, start, end, lines);
        ledger.out += lines;
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

  /** Whether it may take many lines at once. */
  get takesMany(): boolean {
    const { lines, choice } = this.part.stage;
    return lines !== undefined || choice !== undefined;
  }

  /** Offers the stage lines from where they were read, and scanned. Returns how many of the first ones it has taken. */
  readMany(lines: Scanned): number {
    const { stage, ledger } = this.part;
    try {
      const taken = stage.choice ? this.#choose(lines, stage.choice) : this.#offer(lines);
      this.#number += taken;
      ledger.in += taken;
      return taken;
    } catch (error) {
      this.fail(error);
      return 0;
    }
  }

  many(lines: Scanned): void {
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
  flush(): void | Promise<void> {
    const { stage } = this.part;
    if (!this.closed && stage.flush) return this.#guarded(() => stage.flush?.(this.out));
  }

  /** What a flush has begun is done. */
  settled(): void | Promise<void> {
    const { stage } = this.part;
    if (!this.closed && stage.settled) return this.#guarded(() => stage.settled?.());
  }

  /** No line comes any more. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.#tellGap();
    await this.flush();
    await this.settled();
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

  /** Those that are known by their records. */
  #offer(lines: Scanned): number {
    const { stage } = this.part;
    if (!stage.lines || lines.line(0).kind === unknownKind) return 0;
    if (this.#gap > 0) this.#tellGap();
    return stage.lines(lines, this.out);
  }

  #choose(lines: Scanned, choice: Choice): number {
    const { ledger } = this.part;
    for (let done = 0; ; ) {
      const rest = lines.part(done, lines.count);
      const { asked, passed, question } = rest.choose(choice);
      if (asked > 0 && this.#gap > 0) this.#tellGap();
      if (passed > 0) this.next.many(rest.part(0, passed));
      ledger.out += passed;
      ledger.filtered += asked - passed;
      done += asked;
      if (question < 0 || !rest.learn(asked, choice, question)) return done;
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

function blank(buffer: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = buffer[at];
    if (byte !== 32 && byte !== 13 && byte !== 9) return false;
  }
  return true;
}
