import { recordWords } from '../../generated/kinds.js';
import { scanLine } from '../../generated/scan.js';
import { code } from '../../generated/wasm.js';

/** Of a longer line the scanner cannot keep the places. */
const longest = 0xffff;
/** The scanner compares several bytes at once, and so looks at some behind the last newline. */
const slack = 64;

/** The kind of a line that the scanner does not know: JSON.parse and ajv judge it. */
export const unknownKind = -1;

/**
 * Room for bytes, and the records of the lines found in them: `table` has for each line `recordWords` words, laid out as
 * generated/kinds.ts says.
 */
export interface Scanner {
  readonly buffer: Buffer;
  readonly table: Int32Array;
  /**
   * Scans the lines in buffer[from..to), where a newline is the last byte. Returns how many now have a record: all, or as
   * many as there is room for.
   */
  scan(from: number, to: number): number;
}

/** A scanner with room for so many bytes, and records for so many lines. */
export function newScanner(bytes: number, lines: number): Scanner {
  return typeof WebAssembly === 'object' ? new WasmScanner(bytes, lines) : new PlainScanner(bytes, lines);
}

/** In JavaScript, for a Node without WebAssembly (--jitless). */
export class PlainScanner implements Scanner {
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
}

/** What is used here of the WebAssembly that Node has and its types leave out. */
declare namespace WebAssembly {
  class Module {
    constructor(code: Uint8Array);
  }
  class Memory {
    constructor(limits: { initial: number; maximum: number });
    readonly buffer: ArrayBuffer;
  }
  class Instance {
    constructor(module: Module, imports: { env: { memory: Memory } });
    readonly exports: unknown;
  }
}

interface Exports {
  scan(base: number, from: number, to: number, table: number, end: number): number;
}
const page = 1 << 16;
/** What the module has in its memory for itself: constants and a stack. */
const ownPages = 1;
let module: WebAssembly.Module | undefined;

/** In WebAssembly with SIMD, on bytes in its own memory: all the lines in one call. */
export class WasmScanner implements Scanner {
  readonly buffer: Buffer;
  readonly table: Int32Array;
  readonly #memory: WebAssembly.Memory;
  #scan: Exports['scan'] | undefined;

  constructor(bytes: number, lines: number) {
    const tableBytes = lines * recordWords * 4;
    const pages = ownPages + Math.ceil((tableBytes + bytes + slack) / page);
    this.#memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const { buffer } = this.#memory;
    this.table = new Int32Array(buffer, ownPages * page, lines * recordWords);
    this.buffer = Buffer.from(buffer, ownPages * page + tableBytes, bytes);
  }

  scan(from: number, to: number): number {
    this.#scan ??= this.#compile();
    const { byteOffset: base } = this.buffer;
    const { byteOffset: table, byteLength } = this.table;
    return this.#scan(base, base + from, base + to, table, table + byteLength);
  }

  /** Not before there is something to scan: it takes a while. */
  #compile(): Exports['scan'] {
    module ??= new WebAssembly.Module(Buffer.from(code, 'base64'));
    const instance = new WebAssembly.Instance(module, { env: { memory: this.#memory } });
    return (instance.exports as Exports).scan;
  }
}
