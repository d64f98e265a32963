import { kinds } from '../../generated/kinds.js';
import type { Line } from '../line/line.js';
import { LineField } from '../line/line-field.js';

const slots = 1 << 18;
const marks = 4096;
/** The words of `struct addition_cache` (addition-cache.h) before its index and its first record. */
const indexAt = 4 + marks;
const firstAt = indexAt + slots;
const arenaWords = 1 << 23;
/** The words of a record before its key: hash, words of the key, bytes of the text, room; the rest is for the caller. */
const headWords = 16;
const mostKey = 96;
/** Words after the last text that may be read. */
const slack = 8;

/** The words of a record for the caller. `until` is in the caller's time; `generation` is that of the mark when it was made. */
export const at = { until: 4, mark: 5, generation: 6, what: 7, split: 8, ids: 8 } as const;

/** The bits of `what`, described in addition-cache.h. */
export const reasonBits = 7;
export const aged = 8;
export const zoned = 16;
export const timed = 32;
export const split = 64;

/**
 * Caches the text that was added to lines, keyed by the bytes of some fields, so that a look-up decodes nothing. A `split`
 * record has no text: the text depends on the `more` fields too, and is cached with these in the key. For lines whose first
 * `deep` field is one of the record's IDs (as far as 64 bits can tell), the `deep` fields are in the key as well.
 * Everything is in one block of memory. When it is full, the cache is cleared. `extend` in addition-cache.h handles many lines.
 */
export class AdditionCache {
  static readonly bytes = (firstAt + arenaWords) * 4;
  words = new Int32Array(0);
  text: Buffer = Buffer.alloc(0);
  /** The plan for `extend`. */
  readonly plan: Int32Array;
  /** The key fields that each level adds. */
  readonly #levels: readonly (readonly LineField[])[];
  readonly #most: number;
  readonly #key = new Int32Array(mostKey + 1);
  #times = new Float64Array(0);
  #length = 0;
  #hash = 0;
  #slot = 0;
  #end = firstAt;
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
    const [start, ts, latency] = [new LineField('start'), new LineField('ts'), new LineField('latency_us')];
    this.plan = Int32Array.from(
      kinds.flatMap(({ type }, kind) => [
        types.includes(type) ? 1 : 0,
        start.places[kind] as number,
        ts.places[kind] as number,
        type === 'outcome' ? (latency.places[kind] as number) : -1,
        ...[...this.#levels.flat(), ...given].map(({ places }) => places[kind] as number),
      ]),
    );
  }

  /** Switches to new memory, `bytes` bytes of zeros, and forgets everything. */
  use(memory: ArrayBuffer, offset: number): void {
    this.words = new Int32Array(memory, offset, firstAt + arenaWords);
    this.text = Buffer.from(memory, offset, AdditionCache.bytes);
    this.#times = new Float64Array(memory, offset, (firstAt + arenaWords) / 2);
    const [fields = [], more = [], deep = []] = this.#levels;
    this.words.set([fields.length, this.given.length, more.length, deep.length]);
    this.#end = firstAt;
    this.#count = 0;
  }

  /** The generation of each mark. A record is valid only if its generation is still that of its mark. */
  set generations(counts: Int32Array) {
    this.words.set(counts.subarray(0, marks), 4);
  }

  /** Returns the record for a line, or -1. A split record is returned only if it is no longer valid. */
  find(line: Line, now: number, generations: Int32Array): number {
    if (this.words.length === 0) this.use(new ArrayBuffer(AdditionCache.bytes), 0);
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
    return (record + headWords + (this.words[record + 1] as number)) * 4;
  }

  to(record: number): number {
    return this.from(record) + (this.words[record + 2] as number);
  }

  /** Returns, for a timed text, when its name was answered (if aged), and the range of time in which it is valid, in µs. */
  times(record: number): [answered: number, from: number, to: number] {
    const [answered = 0, from = 0, to = 0] = this.#times.subarray(record / 2 + 5, record / 2 + 8);
    return [answered, from, to];
  }

  setTimes(record: number, times: readonly [answered: number, from: number, to: number]): void {
    this.#times.set(times, record / 2 + 5);
  }

  /** Caches a line's text by the fields up to a level. Returns the record, or -1 if the line or the text is too long. */
  put(line: Line, level: number, text: string): number {
    let record = this.#look(line, level);
    const length = this.#length;
    const bytes = Buffer.byteLength(text);
    if (length === 0 || bytes > 0xffff) return -1;
    const needed = (headWords + length + ((bytes + 3) >> 2) + 1) & ~1;
    if (record < 0 || (this.words[record + 3] as number) < needed) {
      if (this.#end + needed + slack > this.words.length || this.#count >= this.#most) {
        this.clear();
        this.#probe();
        record = -1;
      }
      if (record < 0) this.#count++;
      record = this.#end;
      this.#end += needed;
      this.words[this.#slot] = record - firstAt + 2;
      this.words[record + 3] = needed;
    }
    this.words[record] = this.#hash;
    this.words[record + 1] = length;
    this.words[record + 2] = bytes;
    this.words.set(this.#key.subarray(0, length), record + headWords);
    this.text.write(text, this.from(record));
    return record;
  }

  clear(): void {
    this.words.fill(0, indexAt, firstAt);
    this.#end = firstAt;
    this.#count = 0;
  }

  #look(line: Line, level: number): number {
    this.#length = 0;
    this.#hash = 0x811c9dc5 | 0;
    for (let i = 0; i <= level; i++) {
      if (this.#take(line, this.#levels[i] as readonly LineField[])) continue;
      this.#length = 0;
      return -1;
    }
    return this.#probe();
  }

  /** Returns the record of the key, or -1. Sets the slot where it is, or where it belongs. */
  #probe(): number {
    const key = this.#key;
    const { words } = this;
    for (let slot = this.#hash; ; slot++) {
      this.#slot = indexAt + (slot & (slots - 1));
      const leads = words[this.#slot] as number;
      if (leads === 0) return -1;
      const record = firstAt + leads - 2;
      if (words[record] !== this.#hash || words[record + 1] !== this.#length) continue;
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
      if (length + (size >> 2) + 2 > mostKey) return false;
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
  const next = Math.imul(hash ^ word, 0x9e3779b1);
  return next ^ (next >>> 15);
}
