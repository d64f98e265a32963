import { Field } from '../../schemas/pipe/field.js';
import type { Line } from '../../schemas/pipe/line.js';

export const slots = 1 << 14;
/** A record's words of four bytes: a head, the key, right behind it the text. An odd number of cache lines, so that they spread. */
const recordWords = 272;
/** Hash, length of the key, bytes of the text, and four for whoever keeps texts here. */
const headWords = 7;
export const own = 3;
const mostKey = 57;

/**
 * Remembers texts that were made of lines, by the values of some of the lines' fields, as bytes: nothing is decoded to
 * find one. A bounded number, in one piece of memory; a new one takes the place of another in the same slot.
 */
export class Memo {
  /** The texts: that of a record is text[from(record)..to(record)). */
  readonly text: Buffer = Buffer.from(new ArrayBuffer(slots * recordWords * 4));
  /** The records: a record's own numbers begin at words[record + own]. */
  readonly words = new Int32Array(this.text.buffer);
  readonly #fields: readonly Field[];
  readonly #key = new Int32Array(mostKey + 1);
  #length = 0;
  #hash = 0;
  #raw: Buffer | undefined;
  #view: DataView = new DataView(this.text.buffer);

  constructor(fields: readonly string[]) {
    this.#fields = fields.map((name) => new Field(name));
  }

  /** A line's record; -1 without. */
  find(line: Line): number {
    const length = this.#take(line);
    if (length === 0) return -1;
    const key = this.#key;
    const words = this.words;
    const record = recordOf(this.#hash);
    if (words[record] !== this.#hash || words[record + 1] !== length) return -1;
    for (let i = 0; i < length; i++) if (words[record + headWords + i] !== key[i]) return -1;
    return record;
  }

  from(record: number): number {
    return (record + headWords + (this.words[record + 1] as number)) * 4;
  }

  to(record: number): number {
    return this.from(record) + (this.words[record + 2] as number);
  }

  /** Remembers a text for the line of the last `find`. Returns the record; -1 where line or text are too long for that. */
  put(text: string): number {
    if (this.#length === 0) return -1;
    const record = recordOf(this.#hash);
    this.words[record + 1] = 0;
    const bytes = Buffer.byteLength(text);
    if (bytes > (recordWords - headWords - this.#length) * 4) return -1;
    this.words[record] = this.#hash;
    this.words[record + 1] = this.#length;
    this.words[record + 2] = bytes;
    this.text.write(text, this.from(record));
    this.words.set(this.#key.subarray(0, this.#length), record + headWords);
    return record;
  }

  clear(): void {
    for (let slot = 0; slot < slots; slot++) this.words[slot * recordWords + 1] = 0;
  }

  /** Makes the line's key, each value with its length before it. Returns its length; 0 where it is too long to be kept. */
  #take(line: Line): number {
    const key = this.#key;
    let hash = 0x811c9dc5;
    let length = 0;
    this.#length = 0;
    for (let n = 0; n < this.#fields.length; n++) {
      const size = line.locate(this.#fields[n] as Field) ? line.to - line.from : 0;
      if (length + (size >> 2) + 2 > mostKey) return 0;
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
      if (last + 4 > raw.length) return 0;
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
    return length;
  }
}

function mixed(hash: number, word: number): number {
  const next = Math.imul(hash ^ word, 0x9e3779b1);
  return next ^ (next >>> 15);
}

/** Which of the slots a record is in. */
export const slotOf = (record: number) => record / recordWords;
const recordOf = (hash: number) => (hash & (slots - 1)) * recordWords;
