import { Line } from '../line/line.js';
import type { LineField } from '../line/line-field.js';
import { record as layout, recordWords, unknownKind } from './record.layout.js';
import type { KernelMemory, Scanner } from './scanner.js';

const { at: member } = layout;

/** Consecutive scanned lines in the scanner's table. Some of them may be of an unknown kind. */
export class ScannedLines {
  constructor(
    private readonly scanner: Scanner,
    /** The place of the first record in the table. */
    private readonly record: number,
    readonly count: number,
    private readonly made = new Line(),
  ) {}

  /** The number of lines before the first one of an unknown kind. Lines of a known kind are valid. */
  get known(): number {
    let at = 0;
    while (at < this.count && this.kind(at) !== unknownKind) at++;
    return at;
  }

  /** Calls a kernel's function with these lines: see `Scanner.run`. Returns how many it has processed, from the first. */
  run(name: string, memory: KernelMemory): number {
    return this.scanner.run(name, this.record, this.count, memory);
  }

  /** The words passed to and from a kernel. */
  get registers(): Int32Array {
    return this.scanner.registers;
  }

  /** What a kernel has written. It is valid until the next call. */
  get output(): Buffer {
    return this.scanner.output;
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
      const place = places[table[record + member.kind] as number] as number;
      if ((((table[record + member.fields + (place >> 5)] as number) >>> (place & 31)) & 1) === 0) {
        if (length > 0) return at;
        continue;
      }
      const word = table[record + member.places + place] as number;
      if (word >>> 16 !== length) return at;
      const from = (table[record + member.start] as number) + (word & 0xffff);
      for (let i = 0; i < words; i++) if (view.getInt32(from + i * 4) !== wanted.getInt32(i * 4)) return at;
      for (let i = words * 4; i < length; i++) if (buffer[from + i] !== value[i]) return at;
    }
    return end;
  }

  /** Returns the lines from `from` to `to`. */
  part(from: number, to: number, made = this.made): ScannedLines {
    return new ScannedLines(this.scanner, this.record + from * recordWords, to - from, made);
  }

  get buffer(): Buffer {
    return this.scanner.buffer;
  }

  /** Returns a line's index in `kinds`, or unknownKind. */
  kind(at: number): number {
    return this.scanner.table[this.record + at * recordWords + member.kind] as number;
  }

  /** Returns where a line starts in the buffer. */
  start(at: number): number {
    return this.scanner.table[this.record + at * recordWords + member.start] as number;
  }

  /** Returns where the newline of a line is. */
  end(at: number): number {
    return this.scanner.table[this.record + at * recordWords + member.end] as number;
  }

  /** Packs the lines, with their newlines, one after the other at a lower place in the buffer. Returns the end. */
  pack(to: number): number {
    return this.scanner.pack(this.record, this.count, to);
  }
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
