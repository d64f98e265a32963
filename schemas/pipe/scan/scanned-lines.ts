import { headWords, recordWords } from '../../generated/kinds.js';
import { Line } from '../line/line.js';
import type { LineField } from '../line/line-field.js';
import type { AdditionCache } from './addition-cache.js';
import type { CompiledFilter } from './compiled-filter.js';
import { unknownKind } from './constants.js';
import type { GatherPlan } from './gather.js';
import type { ExtendResult, FilterResult, Scanner } from './scanner.js';

/** Consecutive scanned lines in the scanner's table. Some of them may be of an unknown kind. */
export class ScannedLines {
  constructor(
    private readonly scanner: Scanner,
    /** The place of the first record in the table. */
    private readonly record: number,
    readonly count: number,
    private readonly made = new Line(),
  ) {}

  /** How many lines, from the first, are of a known kind, and so valid. */
  get known(): number {
    const { table } = this.scanner;
    let at = this.record + 2;
    for (const last = at + this.count * recordWords; at < last && table[at] !== unknownKind; ) at += recordWords;
    return (at - 2 - this.record) / recordWords;
  }

  /** Gathers from the lines, starting with the first. Returns how many were gathered. */
  gather(gather: GatherPlan): number {
    return this.scanner.gather(this.record, this.count, gather);
  }

  /** What was gathered, as described in gather.h. */
  get gathered(): Buffer {
    return this.scanner.gathered;
  }

  /** Returns a line of a known kind. It is valid until the next call. */
  line(at: number): Line {
    const { buffer, table } = this.scanner;
    this.made.stays = true;
    this.made.move(buffer, this.start(at), this.end(at), table, this.record + at * recordWords);
    return this.made;
  }

  /**
   * Returns the index of the first line from `start` to `end` whose field differs from this value; an empty value means that
   * the field is missing. The lines must be of known kinds that have the field.
   */
  same(start: number, end: number, { places }: LineField, value: Uint8Array): number {
    const { buffer, table } = this.scanner;
    const { length } = value;
    const words = length >> 2; // compare words here: any call is too slow for so few bytes
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

  /** Returns the lines from `from` to `to`. */
  part(from: number, to: number, made = this.made): ScannedLines {
    return new ScannedLines(this.scanner, this.record + from * recordWords, to - from, made);
  }

  /** Filters the lines, up to the first that needs an answer. Those that pass are moved to the front. */
  filter(filter: CompiledFilter): FilterResult {
    return this.scanner.filter(this.record, this.count, filter);
  }

  /** Answers, for one line, the question that stopped the filter. Returns whether the filter knows the answer now. */
  learn(at: number, filter: CompiledFilter, question: number): boolean {
    // a separate Line: a stage may still use the last one that passed
    return this.scanner.learn(this.part(at, this.count, new Line()).line(0), filter, question);
  }

  /** Adds the cached fields that are valid `now`, into `gathered`, up to the first line without any. */
  extend(cache: AdditionCache, now: number): ExtendResult {
    return this.scanner.extend(this.record, this.count, cache, now);
  }

  get buffer(): Buffer {
    return this.scanner.buffer;
  }

  /** Returns where a line starts in the buffer. */
  start(at: number): number {
    return this.scanner.table[this.record + at * recordWords] as number;
  }

  /** Returns where the newline of a line is. */
  end(at: number): number {
    return this.scanner.table[this.record + at * recordWords + 1] as number;
  }

  /** Packs the lines, with their newlines, one after the other at a lower place in the buffer. Returns the end. */
  pack(to: number): number {
    return this.scanner.pack(this.record, this.count, to);
  }
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
