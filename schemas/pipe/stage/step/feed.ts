import { Line } from '../../line/line.js';
import { type Lines, lineLimit } from '../../line/lines.js';
import type { Scanned } from '../../scan/scanned.js';
import { unknownKind } from '../../scan/scanner.js';
import type { Output } from '../stage.js';
import { type Part, type Target, wanted } from '../target.js';
import type { Account } from './account.js';
import { takeMany } from './many.js';

/** Hands lines to a stage: each is numbered, scanned where it is not yet, checked, and counted. */
export class Feed {
  /** Whether the stage may take many lines at once. */
  readonly takesMany: boolean;
  #wants = wanted(undefined);
  #ends = wanted([]);
  readonly #keeps: ((line: Line) => boolean) | undefined;
  readonly #made = new Line();
  #number = 0;

  constructor(
    private readonly part: Part,
    private readonly out: Output,
    private readonly account: Account,
    private readonly next: Target,
    /** The stage has not done with the line yet. */
    private readonly wait: (pending: Promise<void>) => void,
  ) {
    const { stage } = part;
    this.takesMany = stage.lines !== undefined || stage.choice !== undefined;
    this.#keeps = stage.keep?.bind(stage);
  }

  /** Only an open stage can tell what it wants. */
  opened(): void {
    this.#wants = wanted(this.part.stage.types);
    this.#ends = wanted(this.part.stage.ends ?? []);
  }

  /** A line that is valid. */
  line(line: Line): void {
    this.#number++;
    this.#hand(line);
  }

  /** A line where it was read, and scanned. */
  read({ buffer, start, end, table, record }: Lines): void {
    this.#number++;
    this.#made.stays = true;
    if (table[record + 2] === unknownKind) this.#check(buffer, start, end, this.#made.parse);
    else {
      this.#made.move(buffer, start, end, table, record);
      this.#hand(this.#made);
    }
  }

  /** A line that was not scanned. */
  take(buffer: Buffer, start: number, end: number): void {
    if (end - start > lineLimit) {
      this.long(buffer.subarray(start, start + lineLimit));
      return;
    }
    this.#number++;
    this.#made.stays = false;
    this.#check(buffer, start, end, this.#made.take);
  }

  /** Of a line that is too long there is the beginning. */
  long(head: Buffer): void {
    this.account.invalid(++this.#number, `longer than ${lineLimit} bytes`, head);
  }

  /** Offers the stage scanned lines. Returns how many of the first ones it has taken. */
  many(lines: Scanned): number {
    try {
      const taken = takeMany(lines, this.part, this.out, this.account, this.next);
      this.#number += taken;
      this.part.ledger.in += taken;
      return taken;
    } catch (error) {
      this.account.fail(error);
      return 0;
    }
  }

  /** A line that may be none: `take` says. */
  #check(buffer: Buffer, start: number, end: number, take: Line['take']): void {
    if (blank(buffer, start, end)) return;
    const reason = take.call(this.#made, buffer, start, end);
    if (reason === undefined) this.#hand(this.#made);
    else this.account.invalid(this.#number, reason, buffer.subarray(start, end));
  }

  #hand(line: Line): void {
    const { stage, ledger } = this.part;
    ledger.in++;
    if (this.account.gap > 0) this.account.tellGap();
    try {
      if (!this.#wants(line.kind, line.type)) this.#passBy(line);
      else if (this.#keeps) {
        if (this.#keeps(line)) this.out.pass(line);
        else ledger.filtered++;
      } else {
        const pending = stage.line(line, this.out);
        if (pending) this.wait(pending);
      }
    } catch (error) {
      this.account.fail(error);
    }
  }

  /** A line that the stage does not want to see. */
  #passBy(line: Line): void {
    if (!this.#ends(line.kind, line.type)) {
      this.out.pass(line);
      return;
    }
    this.part.ledger.filtered++;
    if (line.type === 'dns') this.account.hasEndedNames();
  }
}

function blank(buffer: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = buffer[at];
    if (byte !== 32 && byte !== 13 && byte !== 9) return false;
  }
  return true;
}
