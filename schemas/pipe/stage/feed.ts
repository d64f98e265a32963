import { kinds } from '../../generated/kinds.js';
import { canonical } from '../line/canonical.js';
import { type AnyEvent, Line } from '../line/line.js';
import { type LineSplitter, lineLimit } from '../line/line-splitter.js';
import { unknownKind } from '../scan/record.layout.js';
import type { ScannedLines } from '../scan/scanned-lines.js';
import type { Downstream } from './downstream.js';
import type { InvalidPolicy } from './invalid.js';
import { status } from './ledger.js';
import type { Output, Stage } from './stage.js';
import type { StageConfig } from './stage-config.js';

/** Feeds lines to a stage: numbers, checks and counts them. Counts what the stage writes, and passes it on. */
export class Feed {
  /** Whether the stage takes no more input, after an error or at its end. */
  closed = false;
  /** Whether the stage has failed. */
  failed = false;
  policy: InvalidPolicy | undefined;
  readonly out: Output;
  readonly #line = new Line();
  /** How many lines it has received, invalid and blank ones too. */
  received = 0;
  #skipped = 0; // invalid lines since the last valid one
  #fate: (line: Line) => Fate = () => 'handle';
  #hasDroppedDns = false;

  constructor(
    private readonly config: StageConfig,
    private readonly next: Downstream,
    wake: () => void,
    /** Called with a promise if the stage does not finish a line at once. */
    private readonly wait: (pending: Promise<void>) => void,
  ) {
    const { ledger } = config;
    this.#line.lenient = config.lenient === true;
    this.out = {
      pass: (lines) => {
        if (lines instanceof Line) {
          next.line(lines);
          ledger.out++;
        } else {
          next.lines(lines);
          ledger.out += lines.count;
        }
      },
      drop: (lines = 1) => {
        ledger.filtered += lines;
      },
      stored: (lines) => {
        ledger.out += lines;
      },
      write: (event) => {
        if (typeof event === 'string') next.text(event);
        else {
          this.#write(event);
          ledger.out++;
        }
      },
      bytes: (buffer, start, end, lines = 1) => {
        next.bytes(buffer, start, end, lines);
        ledger.out += lines;
      },
      lost: (where, count) => {
        ledger.lost += count;
        this.#writeLost(where, count);
      },
      wake,
      get full() {
        return next.full;
      },
    };
  }

  /** Reads the stage's types, which are known only once it is open. Writes the status event. */
  opened(): void {
    const { stage } = this.config;
    const { options = {} } = stage.traits ?? {};
    this.#fate = fates(stage);
    this.#writeStatus('start', Object.keys(options).length > 0 ? { filters: options } : {});
  }

  /** Feeds a valid line. */
  line(line: Line): void {
    this.received++;
    this.#hand(line);
  }

  /** Feeds a line from the buffer into which it was read, and in which it was scanned. */
  read({ buffer, start, end, table, record }: LineSplitter): void {
    this.received++;
    this.#line.stays = true;
    if (table[record + 2] === unknownKind) this.#check(buffer, start, end, this.#line.parse);
    else {
      this.#line.move(buffer, start, end, table, record);
      this.#hand(this.#line);
    }
  }

  /** Feeds a line that is not scanned yet. */
  take(buffer: Buffer, start: number, end: number): void {
    if (end - start > lineLimit) {
      this.long(buffer.subarray(start, start + lineLimit));
      return;
    }
    this.received++;
    this.#line.stays = false;
    this.#check(buffer, start, end, this.#line.take);
  }

  /** Reports a line that is too long, of which only the first bytes are known. */
  long(head: Buffer): void {
    this.received++;
    this.#invalid(`longer than ${lineLimit} bytes`, head);
  }

  /** Whether the stage may take many lines at once. */
  get takesMany(): boolean {
    return this.config.stage.batch !== undefined;
  }

  /** Offers the stage scanned lines. Returns how many it took, counted from the first. */
  many(lines: ScannedLines): number {
    const { batch } = this.config.stage;
    if (!batch || lines.kind(0) === unknownKind) return 0;
    this.writeSkipped();
    try {
      const taken = batch.lines(lines, this.out);
      if (batch.hasDroppedDns) this.#dnsDropped();
      this.received += taken;
      this.config.ledger.in += taken;
      return taken;
    } catch (error) {
      this.fail(error);
      return 0;
    }
  }

  fail(error: unknown): void {
    if (this.closed) return;
    this.closed = this.failed = true;
    this.config.failed(error);
  }

  /** Writes a `lost` event in the place of invalid lines. */
  writeSkipped(): void {
    if (this.#skipped === 0) return;
    this.config.stage.control?.skipped?.(this.#skipped);
    this.#writeLost('invalid', this.#skipped);
    this.#skipped = 0;
  }

  /** Writes the status event at the end. */
  ended(): void {
    const { stage, ledger } = this.config;
    if (this.#hasDroppedDns) this.config.dnsDropped?.();
    this.#writeStatus('end', { ...ledger, ...stage.observe?.counts?.() });
  }

  /** Checks a line and feeds it. `take` returns the reason if the line is invalid. */
  #check(buffer: Buffer, start: number, end: number, take: Line['take']): void {
    if (blank(buffer, start, end)) return;
    const reason = take.call(this.#line, buffer, start, end);
    if (reason === undefined) this.#hand(this.#line);
    else this.#invalid(reason, buffer.subarray(start, end));
  }

  #hand(line: Line): void {
    const { stage, ledger } = this.config;
    ledger.in++;
    this.writeSkipped();
    try {
      const fate = this.#fate(line);
      if (fate === 'handle') {
        const pending = stage.line(line, this.out);
        if (pending) this.#wait(line, pending);
      } else if (fate === 'pass') this.out.pass(line);
      else {
        ledger.filtered++;
        if (line.type === 'dns') this.#dnsDropped();
      }
    } catch (error) {
      this.fail(error);
    }
  }

  #wait(line: Line, pending: Promise<void>): void {
    if (!line.stays) line.copy(); // the stage before may reuse its buffer meanwhile
    this.wait(pending);
  }

  #invalid(reason: string, raw: Buffer): void {
    const { ledger } = this.config;
    ledger.in++;
    ledger.invalid++;
    ledger.lost++;
    this.#skipped++;
    try {
      this.policy?.line(this.received, reason, raw);
    } catch (error) {
      this.fail(error);
    }
  }

  #dnsDropped(): void {
    if (!this.#hasDroppedDns) this.config.dnsDropped?.();
    this.#hasDroppedDns = true;
  }

  /** Writes a `lost` event, unless the stage is a sink: that has no event stream. */
  #writeLost(where: string, count: number): void {
    const { name, traits } = this.config.stage;
    if (!traits?.sink) this.#write({ type: 'lost', v: 1, stage: name, where, count });
  }

  #writeStatus(phase: 'start' | 'end', more: object): void {
    if (this.config.status) this.#write(status(this.config.stage.name, phase, more));
  }

  /** Writes an event that the ledger does not count. */
  #write(event: AnyEvent): void {
    this.next.text(canonical(event));
  }
}

type Fate = 'handle' | 'pass' | 'drop';

/** Returns what happens to a line, by its type. */
function fates({ types, traits }: Stage): (line: Line) => Fate {
  const ofType = (type: string) =>
    !types || types.includes(type) ? 'handle' : traits?.drops?.includes(type) ? 'drop' : 'pass';
  const ofKind = kinds.map(({ type }) => ofType(type));
  return ({ kind, type }) => (kind === unknownKind ? ofType(type) : (ofKind[kind] as Fate));
}

function blank(buffer: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = buffer[at];
    if (byte !== 32 && byte !== 13 && byte !== 9) return false;
  }
  return true;
}
