import { recordWords } from '../../generated/kinds.js';
import { scanLine } from '../../generated/scan.js';
import { type ExtendResult, type FilterResult, type Scanner, slack, unknownKind } from './scanner.js';

/** The longest line: places in a record have 16 bits. */
const longest = 0xffff;

/** The scanner in JavaScript, for a Node without WebAssembly (--jitless). */
export class PlainScanner implements Scanner {
  readonly gathered = Buffer.alloc(0);
  readonly buffer: Buffer;
  readonly table: Int32Array;
  readonly #room: Buffer;
  readonly #view: DataView;

  constructor(bytes: number, lines: number) {
    this.#room = Buffer.allocUnsafeSlow(bytes + slack);
    this.#view = new DataView(this.#room.buffer);
    this.buffer = this.#room.subarray(0, bytes);
    this.table = new Int32Array(lines * recordWords);
  }

  scan(from: number, to: number): number {
    const { table } = this;
    const room = this.#room;
    let record = 0;
    for (let line = from; line < to && record < table.length; record += recordWords) {
      let end = scanLine(room, this.#view, line, table, record);
      if (end < 0 || end - line > longest) {
        if (end < 0) end = room.indexOf(10, line);
        table[record] = line;
        table[record + 1] = end;
        table[record + 2] = unknownKind;
      }
      line = end + 1;
    }
    return record / recordWords;
  }

  readonly first = 0;

  ahead(): boolean {
    return false;
  }

  offer(): void {}

  close(): void {}

  gather(): number {
    return 0;
  }

  filter(): FilterResult {
    return { asked: 0, passed: 0, question: -1 };
  }

  learn(): boolean {
    return false;
  }

  extend(): ExtendResult {
    return { lines: 0, bytes: 0, unnamed: new Int32Array(0) };
  }

  pack(record: number, lines: number, to: number): number {
    let end = to;
    for (let at = record; at < record + lines * recordWords; at += recordWords) {
      const [start, newline] = [this.table[at] as number, this.table[at + 1] as number];
      this.buffer.copyWithin(end, start, newline + 1);
      end += newline + 1 - start;
    }
    return end;
  }
}
