import { closeSync, openSync, readSync } from 'node:fs';
import { record as layout, recordWords, unknownKind } from '../../../schemas/pipe/scan/record.layout.js';
import { WasmScanner } from '../../../schemas/pipe/scan/wasm.js';
import { present } from '../../../schemas/pipe/scan/webassembly.js';

export type Row = Record<string, unknown>;

/** A scanned line: its record is `table[record…]`, and its places count from `start`, a place in `view`. */
export interface Scanned {
  table: Int32Array;
  record: number;
  view: DataView;
  start: number;
}

const newline = 10;
const room = 1 << 20;
const linesAtOnce = 4096;
const { at: member } = layout;

/** Reads the lines of a file: calls `scanned` for those of known types with known fields only, `parsed` for all others. */
export function readLines(path: string, scanned: (line: Scanned) => void, parsed: (row: Row) => void): void {
  const file = openSync(path, 'r');
  try {
    let lines = new Lines(room);
    for (let read = -1; read !== 0; ) {
      read = readSync(file, lines.space());
      if (read === 0) lines.finish();
      else lines.filled(read);
      lines.take(scanned, parsed);
      lines = lines.withRoom();
    }
  } finally {
    closeSync(file);
  }
}

/** Bytes, and the lines in them. */
class Lines {
  readonly #buffer: Buffer;
  readonly #scanner: WasmScanner | undefined;
  #held = 0;

  constructor(private readonly bytes: number) {
    this.#scanner = present ? new WasmScanner(bytes, linesAtOnce) : undefined;
    this.#buffer = this.#scanner?.buffer ?? Buffer.allocUnsafe(bytes);
  }

  /** Returns the free room. It always leaves one byte for `finish`. */
  space(): Buffer {
    return this.#buffer.subarray(this.#held, this.bytes - 1);
  }

  filled(bytes: number): void {
    this.#held += bytes;
  }

  /** Adds the newline that the file does not end with. */
  finish(): void {
    if (this.#held > 0) this.#buffer[this.#held++] = newline;
  }

  /** Processes all complete lines. */
  take(scanned: (line: Scanned) => void, parsed: (row: Row) => void): void {
    const whole = this.#buffer.subarray(0, this.#held).lastIndexOf(newline) + 1;
    const parse = (start: number, end: number) => {
      const text = this.#buffer.toString('utf8', start, end);
      if (text !== '' && text !== '\r') parsed(JSON.parse(text));
    };
    if (this.#scanner) scan(this.#scanner, whole, scanned, parse);
    else {
      for (let start = 0; start < whole; ) {
        const end = this.#buffer.indexOf(newline, start);
        parse(start, end);
        start = end + 1;
      }
    }
    this.#buffer.copyWithin(0, whole, this.#held);
    this.#held -= whole;
  }

  /** Returns the same with more room if one line fills it. */
  withRoom(): Lines {
    if (this.#held < this.bytes / 2) return this;
    const larger = new Lines(2 * this.bytes);
    this.#buffer.copy(larger.#buffer, 0, 0, this.#held);
    larger.#held = this.#held;
    return larger;
  }
}

function scan(
  scanner: WasmScanner,
  whole: number,
  scanned: (line: Scanned) => void,
  parse: (start: number, end: number) => void,
): void {
  const { table, buffer } = scanner;
  const line = { table, record: 0, view: new DataView(buffer.buffer), start: 0 };
  for (let from = 0; from < whole; ) {
    const count = scanner.scan(from, whole);
    for (let at = 0; at < count; at++) {
      const record = at * recordWords;
      const [start, end] = [table[record + member.start] as number, table[record + member.end] as number];
      if (table[record + member.kind] === unknownKind || table[record + member.others]) parse(start, end);
      else {
        line.record = record;
        line.start = buffer.byteOffset + start;
        scanned(line);
      }
      from = end + 1;
    }
  }
}
