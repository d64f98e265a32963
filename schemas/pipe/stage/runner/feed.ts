import { Line } from '../../line/line.js';
import { type LineSplitter, lineLimit } from '../../line/line-splitter.js';
import { unknownKind } from '../../scan/constants.js';
import type { ScannedLines } from '../../scan/scanned-lines.js';
import { type Downstream, typeMatcher } from '../downstream.js';
import type { Output } from '../stage.js';
import type { StageConfig } from '../stage-config.js';
import type { StageState } from './stage-state.js';
import { takeMany } from './take-many.js';

/** Feeds lines to a stage: numbers them, scans those not scanned yet, checks and counts them. */
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
    /** Called with a promise if the stage does not finish a line at once. */
    private readonly wait: (pending: Promise<void>) => void,
  ) {
    const { stage } = config;
    this.takesMany = stage.lines !== undefined || stage.compiledFilter !== undefined;
    this.#keep = stage.keep?.bind(stage);
  }

  /** Reads the stage's types: they are known only once it is open. */
  opened(): void {
    this.#isWanted = typeMatcher(this.config.stage.types);
    this.#isConsumed = typeMatcher(this.config.stage.ends ?? []);
  }

  /** Feeds a valid line. */
  line(line: Line): void {
    this.#number++;
    this.#hand(line);
  }

  /** Feeds a line from where it was read and scanned. */
  read({ buffer, start, end, table, record }: LineSplitter): void {
    this.#number++;
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
    this.#number++;
    this.#line.stays = false;
    this.#check(buffer, start, end, this.#line.take);
  }

  /** Reports a line that is too long, of which only the first bytes are known. */
  long(head: Buffer): void {
    this.state.invalid(++this.#number, `longer than ${lineLimit} bytes`, head);
  }

  /** Offers the stage scanned lines. Returns how many it took, counted from the first. */
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

  /** Checks a line and feeds it. `take` returns the reason if the line is invalid. */
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

  /** Handles a line of a type that the stage does not take. */
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
