import { recordWords, scanLine } from '../../generated/scan.js';

/** Of a longer line the scanner cannot keep the places. */
const longest = 0xffff;
/** The scanner compares several bytes at once, and so looks at some behind the last newline. */
const slack = 64;

/** The kind of a line that the scanner does not know: JSON.parse and ajv judge it. */
export const unknownKind = -1;

/**
 * Room for bytes, and the records of the lines found in them: `table` has for each line `recordWords` words, laid out as
 * generated/scan.ts says.
 */
export class Scanner {
  readonly buffer: Buffer;
  readonly table: Int32Array;
  readonly #room: Buffer;
  readonly #view: DataView;

  /** Room for so many bytes, and records for so many lines. */
  constructor(bytes: number, lines: number) {
    this.#room = Buffer.allocUnsafeSlow(bytes + slack);
    this.#view = new DataView(this.#room.buffer);
    this.buffer = this.#room.subarray(0, bytes);
    this.table = new Int32Array(lines * recordWords);
  }

  /**
   * Scans the lines in buffer[from..to), where a newline is the last byte. Returns how many now have a record: all, or as
   * many as there is room for.
   */
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
}
