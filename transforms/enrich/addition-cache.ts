import { connectionTypes } from '../../schemas/attempts.js';
import { kinds } from '../../schemas/generated/kinds.js';
import type { Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';
import type { ScannedLines } from '../../schemas/pipe/scan/scanned-lines.js';
import type { KernelMemory } from '../../schemas/pipe/scan/scanner.js';
import {
  addition,
  additionCache,
  additionKind,
  extendRegisters,
  hashFactor,
  hashStart,
  marks,
  mostKeyWords,
  slots,
  split,
} from './addition-cache.layout.js';

const [startField, tsField, latencyField] = [new LineField('start'), new LineField('ts'), new LineField('latency_us')];
const { at } = addition;
const headWords = at.key;
const indexAt = additionCache.at.index;
const arenaAt = additionCache.at.arena;
const arenaWords = 1 << 23;
/** Words after the last text that may be read. */
const slack = 8;

/**
 * Caches the text that was added to lines, keyed by the bytes of some fields, so that a look-up decodes nothing. A `split`
 * record has no text: the text depends on the `more` fields too, and is cached with these in the key. For lines whose first
 * `deep` field is one of the record's IDs (as far as 64 bits can tell), the `deep` fields are in the key as well.
 * Everything is in one block of memory. When it is full, the cache is cleared. `extend` handles many lines in C
 * (addition-cache.kernel.h).
 */
export class AdditionCache implements KernelMemory {
  static readonly bytes = additionCache.bytes + arenaWords * 4;
  readonly bytes = AdditionCache.bytes;
  words = new Int32Array(0);
  text: Buffer = Buffer.alloc(0);
  readonly #types: readonly string[];
  /** The key fields that each level adds. */
  readonly #levels: readonly (readonly LineField[])[];
  readonly #most: number;
  readonly #key = new Int32Array(mostKeyWords + 1);
  #times = new Float64Array(0);
  #length = 0;
  #hash = 0;
  #slot = 0;
  #end = 0;
  #count = 0;
  #raw: Buffer | undefined;
  #view: DataView = new DataView(new ArrayBuffer(0));

  /**
   * @param given the fields that texts add: a line that has one of them is not extended
   * @param most the largest number of texts to keep
   */
  constructor(
    types: readonly string[],
    fields: readonly string[],
    more: readonly string[],
    deep: readonly string[],
    private readonly given: readonly LineField[],
    most: number,
  ) {
    this.#most = Math.min(most, slots * 0.75);
    this.#levels = [fields, more, deep].map((names) => names.map((name) => new LineField(name)));
    this.#types = types;
  }

  /** Switches to this memory, which is all zeros, and forgets everything. */
  use(memory: ArrayBuffer, offset: number): void {
    this.words = new Int32Array(memory, offset, this.bytes / 4);
    this.text = Buffer.from(memory, offset, this.bytes);
    this.#times = new Float64Array(memory, offset, this.bytes / 8);
    const view = new DataView(memory, offset);
    const lengths = this.#levels.map((fields) => fields.length);
    const levels = lengths.map((_, level) => lengths.slice(0, level + 1).reduce((sum, length) => sum + length));
    additionCache.write(view, 0, { levels, given: this.given.length });
    for (const [kind, { type }] of kinds.entries()) {
      const place = ({ places }: LineField) => places[kind] as number;
      additionKind.write(view, additionCache.at.kinds + kind * additionKind.bytes, {
        extended: Number(this.#types.includes(type)),
        start: place(startField),
        ts: connectionTypes.includes(type) ? -1 : place(tsField),
        latency: type === 'outcome' ? place(latencyField) : -1,
        key: this.#levels.flat().map(place),
        given: this.given.map(place),
      });
    }
    this.#restart();
  }

  /** The generation of each mark. A record is valid only if its generation is still that of its mark. */
  set generations(counts: Int32Array) {
    this.words.set(counts.subarray(0, marks), additionCache.at.generations);
  }

  /**
   * Writes lines with the texts that are valid `now` to their `output`, from the first line to the first without one. Returns
   * how many lines they are, how many bytes, and how many lines have no name, by reason.
   */
  extend(lines: ScannedLines, now: number): { count: number; bytes: number; unnamed: Int32Array } {
    const { registers } = lines;
    const { at, bytes } = extendRegisters;
    registers[at.now] = now;
    const count = lines.run('extend', this);
    return { count, bytes: registers[at.bytes] as number, unnamed: registers.subarray(at.unnamed, bytes / 4) };
  }

  /** Returns the record for a line, or -1. A split record is returned only if it is no longer valid. */
  find(line: Line, now: number, generations: Int32Array): number {
    if (this.words.length === 0) this.use(new ArrayBuffer(this.bytes), 0);
    const record = this.#look(line, 0);
    if (record < 0 || ((this.words[record + at.what] as number) & split) === 0) return record;
    if (!this.holds(record, now, generations)) return record;
    const ids = this.words.subarray(record + at.ids, record + at.ids + 2);
    return this.#look(line, this.level(line, ids));
  }

  holds(record: number, now: number, generations: Int32Array): boolean {
    const { words } = this;
    return (
      now < (words[record + at.until] as number) &&
      generations[words[record + at.mark] as number] === words[record + at.generation]
    );
  }

  /** Returns the level of a line's text, if the record of the first level is split. */
  level(line: Line, ids: ArrayLike<number>): number {
    const id = line.number(this.#levels[2]?.[0] as LineField);
    return Number.isNaN(id) || ((ids[(id >> 5) & 1] as number) & (1 << (id & 31))) === 0 ? 1 : 2;
  }

  /** Returns where the text of a record starts. It is text[from..to). */
  from(record: number): number {
    return (record + headWords + (this.words[record + at.keyWords] as number)) * 4;
  }

  to(record: number): number {
    return this.from(record) + (this.words[record + at.bytes] as number);
  }

  /** Returns, for a timed text, when its name was answered (if aged), and the range of time in which it is valid, in µs. */
  times(record: number): [answered: number, from: number, to: number] {
    const [answered = 0, from = 0, to = 0] = this.#times.subarray(record / 2 + at.answered);
    return [answered, from, to];
  }

  setTimes(record: number, times: readonly [answered: number, from: number, to: number]): void {
    this.#times.set(times, record / 2 + at.answered);
  }

  /** Caches a line's text by the fields up to a level. Returns the record, or -1 if the line or the text is too long. */
  put(line: Line, level: number, text: string): number {
    let record = this.#look(line, level);
    const length = this.#length;
    const bytes = Buffer.byteLength(text);
    if (length === 0 || bytes > 0xffff) return -1;
    const needed = (headWords + length + ((bytes + 3) >> 2) + 1) & ~1;
    if (record < 0 || (this.words[record + at.room] as number) < needed) {
      if (this.#end + needed + slack > this.words.length || this.#count >= this.#most) {
        this.clear();
        this.#probe();
        record = -1;
      }
      if (record < 0) this.#count++;
      record = this.#end;
      this.#end += needed;
      this.words[this.#slot] = record - arenaAt;
      this.words[record + at.room] = needed;
    }
    this.words[record + at.hash] = this.#hash;
    this.words[record + at.keyWords] = length;
    this.words[record + at.bytes] = bytes;
    this.words.set(this.#key.subarray(0, length), record + headWords);
    this.text.write(text, this.from(record));
    return record;
  }

  clear(): void {
    this.words.fill(0, indexAt, arenaAt);
    this.#restart();
  }

  #restart(): void {
    this.#end = arenaAt + 2; // in the index, 0 means none
    this.#count = 0;
  }

  #look(line: Line, level: number): number {
    this.#length = 0;
    this.#hash = hashStart | 0;
    for (let i = 0; i <= level; i++) {
      if (this.#take(line, this.#levels[i] as readonly LineField[])) continue;
      this.#length = 0;
      return -1;
    }
    return this.#probe();
  }

  /** Returns the record of the key, or -1. Sets the slot: the one that holds it, or the one for it. */
  #probe(): number {
    const key = this.#key;
    const { words } = this;
    for (let slot = this.#hash; ; slot++) {
      this.#slot = indexAt + (slot & (slots - 1));
      const leads = words[this.#slot] as number;
      if (leads === 0) return -1;
      const record = arenaAt + leads;
      if (words[record + at.hash] !== this.#hash || words[record + at.keyWords] !== this.#length) continue;
      let same = 0;
      while (same < this.#length && words[record + headWords + same] === key[same]) same++;
      if (same === this.#length) return record;
    }
  }

  /** Adds fields to the key: the length of each value, then the value. Returns false if the key gets too long. */
  #take(line: Line, fields: readonly LineField[]): boolean {
    const key = this.#key;
    let hash = this.#hash;
    let length = this.#length;
    for (let n = 0; n < fields.length; n++) {
      const size = line.locate(fields[n] as LineField) ? line.to - line.from : 0;
      if (length + (size >> 2) + 2 > mostKeyWords) return false;
      key[length++] = size;
      hash = mixed(hash, size);
      if (size === 0) continue;
      const { raw, from } = line;
      if (raw !== this.#raw) {
        this.#raw = raw;
        this.#view = new DataView(raw.buffer, raw.byteOffset, raw.length);
      }
      const view = this.#view;
      const last = from + ((size - 1) & ~3);
      if (last + 4 > raw.length) return false;
      for (let at = from; at < last; at += 4) {
        const word = view.getInt32(at, true);
        key[length++] = word;
        hash = mixed(hash, word);
      }
      const word = view.getInt32(last, true) & (-1 >>> (8 * (last + 4 - from - size)));
      key[length++] = word;
      hash = mixed(hash, word);
    }
    this.#length = length;
    this.#hash = hash;
    return true;
  }
}

function mixed(hash: number, word: number): number {
  const next = Math.imul(hash ^ word, hashFactor);
  return next ^ (next >>> 15);
}
