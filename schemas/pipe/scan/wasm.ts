import { recordWords } from '../../generated/kinds.js';
import { code, ownPages } from '../../generated/wasm.js';
import type { Line } from '../line/line.js';
import { AdditionCache, reasonBits } from './addition-cache.js';
import { AheadScanner } from './ahead.js';
import type { CompiledFilter } from './compiled-filter.js';
import { slack } from './constants.js';
import type { GatherPlan } from './gather.js';
import type { ExtendResult, FilterResult, Scanner } from './scanner.js';
import { instances, type Memory, newMemory } from './webassembly.js';

interface Exports {
  scan(base: number, from: number, to: number, table: number, end: number): number;
  gather(base: number, record: number, lines: number, plan: number, out: number, end: number): number;
  filter(base: number, record: number, lines: number, filter: number, result: number): number;
  learn(memory: number, value: number, length: number, answer: number): number;
  pack(base: number, record: number, lines: number, to: number): number;
  /** base, record, lines, plan, cache, now, out, end, result */
  extend(...given: number[]): number;
}
const page = 1 << 16;
/** Room for gathered or extended lines. The plan follows it. */
const gatheredBytes = 1 << 17;
/** Room for compiled filters and addition caches. Unused room takes no memory. */
const filterBytes = 1 << 22;
const spareBytes = filterBytes + AdditionCache.bytes + 64;
const instance = instances<Exports>(code);

/** The scanner in WebAssembly with SIMD, on bytes in its own memory. Scans all lines in one call. */
export class WasmScanner implements Scanner {
  readonly buffer: Buffer;
  readonly table: Int32Array;
  readonly gathered: Buffer;
  first = 0;
  readonly #words: number; // of the table, for lines scanned in this thread
  #ahead: AheadScanner | undefined;
  readonly #plan: Int32Array;
  readonly #result: Int32Array;
  readonly #spare: number;
  #taken = 0; // bytes taken from there
  /** Where each one starts; -1 if there is no room for it. */
  readonly #places = new Map<CompiledFilter | AdditionCache, number>();
  readonly #memory: Memory;
  #exports: Exports | undefined;

  /** @param ahead how many pieces of at most `lines` lines may be scanned ahead */
  constructor(bytes: number, lines: number, ahead = 0) {
    this.#words = lines * recordWords;
    const tableBytes = (1 + ahead) * this.#words * 4;
    const gatheredAt = ownPages * page + ((tableBytes + bytes + slack + 15) & -16);
    this.#spare = gatheredAt + gatheredBytes + page;
    const pages = Math.ceil((this.#spare + spareBytes) / page);
    this.#memory = newMemory(pages, pages);
    const { buffer } = this.#memory;
    this.table = new Int32Array(buffer, ownPages * page, tableBytes / 4);
    this.buffer = Buffer.from(buffer, ownPages * page + tableBytes, bytes);
    this.gathered = Buffer.from(buffer, gatheredAt, gatheredBytes);
    this.#plan = new Int32Array(buffer, gatheredAt + gatheredBytes, page / 4 - 16);
    this.#result = new Int32Array(buffer, this.#spare - 64, 16);
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

  gather(record: number, lines: number, { plan }: GatherPlan): number {
    this.#exports ??= instance(this.#memory);
    this.#plan.set(plan);
    const { byteOffset: out, length } = this.gathered;
    const at = this.table.byteOffset + record * 4;
    return this.#exports.gather(this.buffer.byteOffset, at, lines, this.#plan.byteOffset, out, out + length);
  }

  filter(record: number, lines: number, filter: CompiledFilter): FilterResult {
    const place = this.#placeOfFilter(filter);
    if (place < 0) return { asked: 0, passed: 0, question: -1 };
    this.#exports ??= instance(this.#memory);
    const at = this.table.byteOffset + record * 4;
    const result = this.#result;
    const asked = this.#exports.filter(this.buffer.byteOffset, at, lines, place, result.byteOffset);
    filter.seen |= result[2] as number;
    return { asked, passed: result[0] as number, question: result[1] as number };
  }

  learn(line: Line, filter: CompiledFilter, question: number): boolean {
    const memory = filter.memoryOf(question);
    if (memory === undefined || !line.locate(filter.fieldOf(question)) || line.raw !== this.buffer) return false;
    const value = this.buffer.byteOffset + line.from;
    const length = line.to - line.from;
    const at = this.#placeOfFilter(filter) + memory;
    return this.#exports?.learn(at, value, length, filter.answer(question, line) ? 1 : 0) === 1;
  }

  pack(record: number, lines: number, to: number): number {
    this.#exports ??= instance(this.#memory);
    const base = this.buffer.byteOffset;
    return this.#exports.pack(base, this.table.byteOffset + record * 4, lines, base + to) - base;
  }

  extend(record: number, lines: number, cache: AdditionCache, now: number): ExtendResult {
    const place = this.#placeOf(cache, AdditionCache.bytes, () =>
      cache.use(this.#memory.buffer, this.#spare + this.#taken),
    );
    const result = this.#result;
    const unnamed = result.subarray(1, 2 + reasonBits);
    if (place < 0) return { lines: 0, bytes: 0, unnamed };
    this.#exports ??= instance(this.#memory);
    this.#plan.set(cache.plan);
    const { byteOffset: out, length } = this.gathered;
    const at = this.table.byteOffset + record * 4;
    const given = [this.buffer.byteOffset, at, lines, this.#plan.byteOffset, place, now, out, out + length];
    const extended = this.#exports.extend(...given, result.byteOffset);
    return { lines: extended, bytes: result[0] as number, unnamed };
  }

  #placeOfFilter(filter: CompiledFilter): number {
    const words = (filter.words + 1) & ~1;
    return this.#placeOf(filter, words * 4, () =>
      filter.write(new Int32Array(this.#memory.buffer, this.#spare + this.#taken, words)),
    );
  }

  /** Returns the place of something in the spare memory, or -1 if there is no room. Calls `make` when it is placed. */
  #placeOf(of: CompiledFilter | AdditionCache, bytes: number, make: () => void): number {
    let place = this.#places.get(of);
    if (place === undefined) {
      place = this.#taken + bytes <= spareBytes ? this.#spare + this.#taken : -1;
      if (place >= 0) make();
      if (place >= 0) this.#taken += (bytes + 15) & ~15;
      this.#places.set(of, place);
    }
    return place;
  }
}
