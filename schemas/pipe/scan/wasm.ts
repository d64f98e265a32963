import { code, ownPages } from '../../generated/wasm.js';
import { AheadScanner } from './ahead.js';
import { recordWords, slack } from './record.layout.js';
import type { KernelMemory, Scanner } from './scanner.js';
import { instances, type Memory, newMemory } from './webassembly.js';

type Kernel = (
  base: number,
  record: number,
  lines: number,
  memory: number,
  out: number,
  end: number,
  to: number,
) => number;
interface Exports {
  scan(base: number, from: number, to: number, table: number, end: number): number;
  pack(base: number, record: number, lines: number, to: number): number;
}

const page = 1 << 16;
const outputBytes = 1 << 17;
const registerBytes = 64;
/** Room for the memory of kernels that need little. V8 collects garbage early if there is much, even if it is not in use. */
const kernelBytes = 1 << 22;
const instance = instances<Exports & Record<string, Kernel>>(code);

/** The scanner in WebAssembly with SIMD, on bytes in its own memory. Scans all lines in one call. */
export class WasmScanner implements Scanner {
  readonly buffer: Buffer;
  readonly table: Int32Array;
  readonly output: Buffer;
  readonly registers: Int32Array;
  first = 0;
  readonly #words: number; // of the table, for lines scanned in this thread
  #ahead: AheadScanner | undefined;
  /** Where the memory of each kernel is; -1 if there is no room for it. */
  readonly #places = new Map<KernelMemory, number>();
  #free: number; // the memory for kernels from here on is not in use
  readonly #memory: Memory;
  #exports: (Exports & Record<string, Kernel>) | undefined;

  /**
   * @param ahead how many pieces of at most `lines` lines may be scanned ahead
   * @param more further room for the memory of kernels
   */
  constructor(bytes: number, lines: number, ahead = 0, more = 0) {
    this.#words = lines * recordWords;
    const tableBytes = (1 + ahead) * this.#words * 4;
    const outputAt = ownPages * page + ((tableBytes + bytes + slack + 15) & -16);
    this.#free = outputAt + outputBytes + registerBytes;
    const pages = Math.ceil((this.#free + kernelBytes + more) / page);
    this.#memory = newMemory(pages, pages);
    const { buffer } = this.#memory;
    this.table = new Int32Array(buffer, ownPages * page, tableBytes / 4);
    this.buffer = Buffer.from(buffer, ownPages * page + tableBytes, bytes);
    this.output = Buffer.from(buffer, outputAt, outputBytes);
    this.registers = new Int32Array(buffer, outputAt + outputBytes, registerBytes / 4);
  }

  scan(from: number, to: number): number {
    const begins = this.#ahead?.begins;
    if (begins === from) {
      const { record, lines } = (this.#ahead as AheadScanner).take();
      this.first = record;
      return lines;
    }
    const end = begins !== undefined && begins > from && begins < to ? begins : to;
    this.#exports ??= instance(this.#memory); // not before it is needed: compiling takes a while
    const { byteOffset: base } = this.buffer;
    const { byteOffset: table } = this.table;
    this.first = 0;
    return this.#exports.scan(base, base + from, base + end, table, table + this.#words * 4);
  }

  ahead(): boolean {
    this.#ahead ??= AheadScanner.open(this.buffer, this.table, this.#words);
    return this.#ahead !== undefined;
  }

  offer(from: number, to: number): void {
    this.#ahead?.offer(from, to);
  }

  close(): void {
    this.#ahead?.close();
    this.#ahead = undefined;
  }

  run(name: string, record: number, lines: number, memory: KernelMemory): number {
    const place = this.#placeOf(memory);
    if (place < 0) return 0;
    this.#exports ??= instance(this.#memory);
    const at = this.table.byteOffset + record * 4;
    const { byteOffset: out, length } = this.output;
    const kernel = this.#exports[name] as Kernel;
    return kernel(this.buffer.byteOffset, at, lines, place, out, out + length, this.registers.byteOffset);
  }

  pack(record: number, lines: number, to: number): number {
    this.#exports ??= instance(this.#memory);
    const base = this.buffer.byteOffset;
    return this.#exports.pack(base, this.table.byteOffset + record * 4, lines, base + to) - base;
  }

  #placeOf(memory: KernelMemory): number {
    let place = this.#places.get(memory);
    if (place === undefined) {
      const { bytes } = memory;
      const { buffer } = this.#memory;
      place = this.#free + bytes <= buffer.byteLength ? this.#free : -1;
      if (place >= 0) {
        memory.use(buffer, place);
        this.#free += (bytes + 15) & -16;
      }
      this.#places.set(memory, place);
    }
    return place;
  }
}
