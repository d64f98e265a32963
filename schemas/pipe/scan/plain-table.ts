import { scanLine } from '../../generated/scan.js';
import { record as layout, longestLine, recordWords, slack, unknownKind } from './record.layout.js';

const { at } = layout;

/** A buffer, and the records of the lines in it: the part of the scanner in JavaScript that scans. */
export class PlainTable {
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
      if (end < 0 || end - line > longestLine) {
        if (end < 0) end = room.indexOf(10, line);
        table[record + at.start] = line;
        table[record + at.end] = end;
        table[record + at.kind] = unknownKind;
      }
      line = end + 1;
    }
    return record / recordWords;
  }
}
