import { recordWords } from '../../generated/kinds.js';
import { scanLine } from '../../generated/scan.js';
import { code, ownPages } from '../../generated/wasm.js';
import type { Gather } from './gather.js';

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
  /**
   * Gathers what `gather` wants from the lines at table[record…], at most so many: one after the other in `gathered`, as
   * gather.h says. Returns how many: it stops at the first that is not so plain.
   */
  gather(record: number, lines: number, gather: Gather): number;
  readonly gathered: Buffer;
}

/** A scanner with room for so many bytes, and records for so many lines. */
export function newScanner(bytes: number, lines: number): Scanner {
  return typeof WebAssembly === 'object' ? new WasmScanner(bytes, lines) : new PlainScanner(bytes, lines);
}

/** In JavaScript, for a Node without WebAssembly (--jitless). */
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

  gather(): number {
    return 0;
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
  gather(base: number, record: number, lines: number, plan: number, out: number, end: number): number;
}
const page = 1 << 16;
/** Room for what is gathered of lines, and behind it for what is to be. */
const gatheredBytes = 1 << 16;
let module: WebAssembly.Module | undefined;

/** In WebAssembly with SIMD, on bytes in its own memory: all the lines in one call. */
export class WasmScanner implements Scanner {
  readonly buffer: Buffer;
  readonly table: Int32Array;
  readonly gathered: Buffer;
  readonly #plan: Int32Array;
  readonly #memory: WebAssembly.Memory;
  #exports: Exports | undefined;

  constructor(bytes: number, lines: number) {
    const tableBytes = lines * recordWords * 4;
    const gatheredAt = ownPages * page + ((tableBytes + bytes + slack + 7) & -8);
    const pages = Math.ceil((gatheredAt + gatheredBytes) / page) + 1;
    this.#memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const { buffer } = this.#memory;
    this.table = new Int32Array(buffer, ownPages * page, lines * recordWords);
    this.buffer = Buffer.from(buffer, ownPages * page + tableBytes, bytes);
    this.gathered = Buffer.from(buffer, gatheredAt, gatheredBytes);
    this.#plan = new Int32Array(buffer, gatheredAt + gatheredBytes);
  }

  scan(from: number, to: number): number {
    this.#exports ??= this.#compile();
    const { byteOffset: base } = this.buffer;
    const { byteOffset: table, byteLength } = this.table;
    return this.#exports.scan(base, base + from, base + to, table, table + byteLength);
  }

  gather(record: number, lines: number, { plan }: Gather): number {
    this.#exports ??= this.#compile();
    this.#plan.set(plan);
    const { byteOffset: out, length } = this.gathered;
    const at = this.table.byteOffset + record * 4;
    return this.#exports.gather(this.buffer.byteOffset, at, lines, this.#plan.byteOffset, out, out + length);
  }

  /** Not before there is something to scan: it takes a while. */
  #compile(): Exports {
    module ??= new WebAssembly.Module(Buffer.from(code, 'base64'));
    const instance = new WebAssembly.Instance(module, { env: { memory: this.#memory } });
    return instance.exports as Exports;
  }
}
