import { recordWords } from '../../generated/kinds.js';
import { scanLine } from '../../generated/scan.js';
import { code, ownPages } from '../../generated/wasm.js';
import type { Line } from '../line.js';
import type { Choice } from './choice.js';
import type { Gather } from './gather.js';
import { reasonBits, Texts } from './texts.js';

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
  /**
   * Asks the lines at table[record…], so many, whether they pass. The records of those that do move to the first places.
   * Stops at the first that it cannot tell of, and returns how many came before that, and how many of these pass.
   */
  choose(record: number, lines: number, choice: Choice): Chosen;
  /** Answers of this line what `choose` could not. Returns whether it now can. */
  learn(line: Line, choice: Choice, question: number): boolean;
  /**
   * Extends the lines at table[record…], so many, by the texts that hold `now`, into `gathered`. Stops at the first that
   * has none.
   */
  extend(record: number, lines: number, texts: Texts, now: number): Extended;
  /** Moves the lines at table[record…], so many, down to `to`, one behind the other. Returns the end. */
  pack(record: number, lines: number, to: number): number;
}

/** Of so many lines some pass; `question`: what could not be answered of the next. */
export interface Chosen {
  asked: number;
  passed: number;
  question: number;
}

/** So many lines were extended, and are now so many bytes; of `unnamed`, by reason, those that have no name. */
export interface Extended {
  lines: number;
  bytes: number;
  unnamed: Int32Array;
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

  choose(): Chosen {
    return { asked: 0, passed: 0, question: -1 };
  }

  learn(): boolean {
    return false;
  }

  extend(): Extended {
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
  choose(base: number, record: number, lines: number, choice: number, told: number): number;
  learn(memory: number, value: number, length: number, answer: number): number;
  pack(base: number, record: number, lines: number, to: number): number;
  /** base, record, lines, plan, texts, now, out, end, said */
  extend(...given: number[]): number;
}
const page = 1 << 16;
/** Room for what is gathered of lines, or for extended ones, and behind it for what is to be. */
const gatheredBytes = 1 << 17;
/** Room for choices and texts. What of it is not used takes no memory. */
const choiceBytes = 1 << 22;
const spareBytes = choiceBytes + Texts.bytes + 64;
let module: WebAssembly.Module | undefined;

/** In WebAssembly with SIMD, on bytes in its own memory: all the lines in one call. */
export class WasmScanner implements Scanner {
  readonly buffer: Buffer;
  readonly table: Int32Array;
  readonly gathered: Buffer;
  readonly #plan: Int32Array;
  readonly #told: Int32Array;
  readonly #spare: number;
  #taken = 0; // bytes from there on
  /** Where each begins; -1 where it has no room. */
  readonly #places = new Map<Choice | Texts, number>();
  readonly #memory: WebAssembly.Memory;
  #exports: Exports | undefined;

  constructor(bytes: number, lines: number) {
    const tableBytes = lines * recordWords * 4;
    const gatheredAt = ownPages * page + ((tableBytes + bytes + slack + 15) & -16);
    this.#spare = gatheredAt + gatheredBytes + page;
    const pages = Math.ceil((this.#spare + spareBytes) / page);
    this.#memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const { buffer } = this.#memory;
    this.table = new Int32Array(buffer, ownPages * page, lines * recordWords);
    this.buffer = Buffer.from(buffer, ownPages * page + tableBytes, bytes);
    this.gathered = Buffer.from(buffer, gatheredAt, gatheredBytes);
    this.#plan = new Int32Array(buffer, gatheredAt + gatheredBytes, page / 4 - 16);
    this.#told = new Int32Array(buffer, this.#spare - 64, 16);
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

  choose(record: number, lines: number, choice: Choice): Chosen {
    const place = this.#choice(choice);
    if (place < 0) return { asked: 0, passed: 0, question: -1 };
    this.#exports ??= this.#compile();
    const at = this.table.byteOffset + record * 4;
    const told = this.#told;
    const asked = this.#exports.choose(this.buffer.byteOffset, at, lines, place, told.byteOffset);
    return { asked, passed: told[0] as number, question: told[1] as number };
  }

  learn(line: Line, choice: Choice, question: number): boolean {
    const memory = choice.memoryOf(question);
    if (memory === undefined || !line.locate(choice.fieldOf(question)) || line.raw !== this.buffer) return false;
    const value = this.buffer.byteOffset + line.from;
    const length = line.to - line.from;
    const at = this.#choice(choice) + memory;
    return this.#exports?.learn(at, value, length, choice.answer(question, line) ? 1 : 0) === 1;
  }

  pack(record: number, lines: number, to: number): number {
    this.#exports ??= this.#compile();
    const base = this.buffer.byteOffset;
    return this.#exports.pack(base, this.table.byteOffset + record * 4, lines, base + to) - base;
  }

  extend(record: number, lines: number, texts: Texts, now: number): Extended {
    const place = this.#place(texts, Texts.bytes, () => texts.use(this.#memory.buffer, this.#spare + this.#taken));
    const told = this.#told;
    const unnamed = told.subarray(1, 2 + reasonBits);
    if (place < 0) return { lines: 0, bytes: 0, unnamed };
    this.#exports ??= this.#compile();
    this.#plan.set(texts.plan);
    const { byteOffset: out, length } = this.gathered;
    const at = this.table.byteOffset + record * 4;
    const given = [this.buffer.byteOffset, at, lines, this.#plan.byteOffset, place, now, out, out + length];
    const extended = this.#exports.extend(...given, told.byteOffset);
    return { lines: extended, bytes: told[0] as number, unnamed };
  }

  #choice(choice: Choice): number {
    const words = (choice.words + 1) & ~1;
    return this.#place(choice, words * 4, () =>
      choice.write(new Int32Array(this.#memory.buffer, this.#spare + this.#taken, words)),
    );
  }

  /** Where something is in the spare memory; -1 without room for it. It is made when it gets its place. */
  #place(of: Choice | Texts, bytes: number, make: () => void): number {
    let place = this.#places.get(of);
    if (place === undefined) {
      place = this.#taken + bytes <= spareBytes ? this.#spare + this.#taken : -1;
      if (place >= 0) make();
      if (place >= 0) this.#taken += (bytes + 15) & ~15;
      this.#places.set(of, place);
    }
    return place;
  }

  /** Not before there is something to scan: it takes a while. */
  #compile(): Exports {
    module ??= new WebAssembly.Module(Buffer.from(code, 'base64'));
    const instance = new WebAssembly.Instance(module, { env: { memory: this.#memory } });
    return instance.exports as Exports;
  }
}
