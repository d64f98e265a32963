import { headWords, recordWords } from '../../generated/kinds.js';
import { Line } from '../line/line.js';
import type { LineField } from '../line/line-field.js';
import type { AdditionCache } from './addition-cache.js';
import type { CompiledFilter } from './compiled-filter.js';
import type { GatherPlan } from './gather.js';
import { type ExtendResult, type FilterResult, type Scanner, unknownKind } from './scanner.js';

/** Lines that were scanned, one behind the other in the scanner's table, all of kinds that it knows but for the last ones. */
export class ScannedLines {
  constructor(
    private readonly scanner: Scanner,
    /** Where the record of the first is in the table. */
    private readonly record: number,
    readonly count: number,
    private readonly made = new Line(),
  ) {}

  /** How many of the first ones are known, and so valid. */
  get known(): number {
    const { table } = this.scanner;
    let at = this.record + 2;
    for (const last = at + this.count * recordWords; at < last && table[at] !== unknownKind; ) at += recordWords;
    return (at - 2 - this.record) / recordWords;
  }

  /** Gathers from lines, from the first on, what is wanted of them. Returns how many lines those are. */
  gather(gather: GatherPlan): number {
    return this.scanner.gather(this.record, this.count, gather);
  }

  /** What was gathered of them, as gather.h says. */
  get gathered(): Buffer {
    return this.scanner.gathered;
  }

  /** One of those whose kind is known, valid until the next is asked for. */
  line(at: number): Line {
    const { buffer, table } = this.scanner;
    this.made.stays = true;
    this.made.move(buffer, this.start(at), this.end(at), table, this.record + at * recordWords);
    return this.made;
  }

  /**
   * Returns where the first one is, from `start` to `end`, whose field has another value than this; no bytes are none.
   * Their kinds are known and have the field.
   */
  same(start: number, end: number, { places }: LineField, value: Uint8Array): number {
    const { buffer, table } = this.scanner;
    const { length } = value;
    const words = length >> 2; // compared by words, as no call is quick enough for so few bytes
    const [view, wanted] = [viewOf(buffer), viewOf(value)];
    for (let at = start; at < end; at++) {
      const record = this.record + at * recordWords;
      const place = places[table[record + 2] as number] as number;
      if ((((table[record + 3 + (place >> 5)] as number) >>> (place & 31)) & 1) === 0) {
        if (length > 0) return at;
        continue;
      }
      const word = table[record + headWords + place] as number;
      if (word >>> 16 !== length) return at;
      const from = (table[record] as number) + (word & 0xffff);
      for (let i = 0; i < words; i++) if (view.getInt32(from + i * 4) !== wanted.getInt32(i * 4)) return at;
      for (let i = words * 4; i < length; i++) if (buffer[from + i] !== value[i]) return at;
    }
    return end;
  }

  /** Some of them. */
  part(from: number, to: number, made = this.made): ScannedLines {
    return new ScannedLines(this.scanner, this.record + from * recordWords, to - from, made);
  }

  /** Asks them whether they pass, up to the first of which that cannot be told: those that do are now the first. */
  filter(filter: CompiledFilter): FilterResult {
    return this.scanner.filter(this.record, this.count, filter);
  }

  /** Answers what could not be answered of one of them. Returns whether it now can. */
  learn(at: number, filter: CompiledFilter, question: number): boolean {
    // a line of its own: a stage may still have the last one that passed
    return this.scanner.learn(this.part(at, this.count, new Line()).line(0), filter, question);
  }

  /** Extends them by the texts that hold `now`, into `gathered`, up to the first that has none. */
  extend(cache: AdditionCache, now: number): ExtendResult {
    return this.scanner.extend(this.record, this.count, cache, now);
  }

  get buffer(): Buffer {
    return this.scanner.buffer;
  }

  /** Where one of them begins in the buffer. */
  start(at: number): number {
    return this.scanner.table[this.record + at * recordWords] as number;
  }

  /** Where its newline is. */
  end(at: number): number {
    return this.scanner.table[this.record + at * recordWords + 1] as number;
  }

  /** Moves them, with their newlines, down to a place in the buffer, one behind the other. Returns the end. */
  pack(to: number): number {
    return this.scanner.pack(this.record, this.count, to);
  }
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
