import { Line } from '../../line/line.js';
import { type LineSplitter, lineLimit } from '../../line/line-splitter.js';
import type { ScannedLines } from '../../scan/scanned-lines.js';
import { unknownKind } from '../../scan/scanner.js';
import { type Downstream, typeMatcher } from '../downstream.js';
import type { Output } from '../stage.js';
import type { StageConfig } from '../stage-config.js';
import type { StageState } from './stage-state.js';
import { takeMany } from './take-many.js';

/** Hands lines to a stage: each is numbered, scanned where it is not yet, checked, and counted. */
export class Feed {
  /** Whether the stage may take many lines at once. */
  readonly takesMany: boolean;
  #isWanted = typeMatcher(undefined);
  #isConsumed = typeMatcher([]);
  readonly #keep: ((line: Line) => boolean) | undefined;
  readonly #line = new Line();
  #number = 0;

  constructor(
    private readonly config: StageConfig,
    private readonly out: Output,
    private readonly state: StageState,
    private readonly next: Downstream,
    /** The stage has not done with the line yet. */
    private readonly wait: (pending: Promise<void>) => void,
  ) {
    const { stage } = config;
    this.takesMany = stage.lines !== undefined || stage.compiledFilter !== undefined;
    this.#keep = stage.keep?.bind(stage);
  }

  /** Only an open stage can tell what it wants. */
  opened(): void {
    this.#isWanted = typeMatcher(this.config.stage.types);
    this.#isConsumed = typeMatcher(this.config.stage.ends ?? []);
  }

  /** A line that is valid. */
  line(line: Line): void {
    this.#number++;
    this.#hand(line);
  }

  /** A line where it was read, and scanned. */
  read({ buffer, start, end, table, record }: LineSplitter): void {
    this.#number++;
    this.#line.stays = true;
    if (table[record + 2] === unknownKind) this.#check(buffer, start, end, this.#line.parse);
    else {
      this.#line.move(buffer, start, end, table, record);
      this.#hand(this.#line);
    }
  }

  /** A line that was not scanned. */
  take(buffer: Buffer, start: number, end: number): void {
    if (end - start > lineLimit) {
      this.long(buffer.subarray(start, start + lineLimit));
      return;
    }
    this.#number++;
    this.#line.stays = false;
    this.#check(buffer, start, end, this.#line.take);
  }

  /** Of a line that is too long there is the beginning. */
  long(head: Buffer): void {
    this.state.invalid(++this.#number, `longer than ${lineLimit} bytes`, head);
  }

  /** Offers the stage scanned lines. Returns how many of the first ones it has taken. */
  many(lines: ScannedLines): number {
    try {
      const taken = takeMany(lines, this.config, this.out, this.state, this.next);
      this.#number += taken;
      this.config.ledger.in += taken;
      return taken;
    } catch (error) {
      this.state.fail(error);
      return 0;
    }
  }

  /** A line that may be none: `take` says. */
  #check(buffer: Buffer, start: number, end: number, take: Line['take']): void {
    if (blank(buffer, start, end)) return;
    const reason = take.call(this.#line, buffer, start, end);
    if (reason === undefined) this.#hand(this.#line);
    else this.state.invalid(this.#number, reason, buffer.subarray(start, end));
  }

  #hand(line: Line): void {
    const { stage, ledger } = this.config;
    ledger.in++;
    if (this.state.gap > 0) this.state.emitGap();
    try {
      if (!this.#isWanted(line.kind, line.type)) this.#passBy(line);
      else if (this.#keep) {
        if (this.#keep(line)) this.out.pass(line);
        else ledger.filtered++;
      } else {
        const pending = stage.line(line, this.out);
        if (pending) this.wait(pending);
      }
    } catch (error) {
      this.state.fail(error);
    }
  }

  /** A line that the stage does not want to see. */
  #passBy(line: Line): void {
    if (!this.#isConsumed(line.kind, line.type)) {
      this.out.pass(line);
      return;
    }
    this.config.ledger.filtered++;
    if (line.type === 'dns') this.state.dnsEnded();
  }
}

function blank(buffer: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = buffer[at];
    if (byte !== 32 && byte !== 13 && byte !== 9) return false;
  }
  return true;
}
