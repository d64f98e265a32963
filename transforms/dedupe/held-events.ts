import type { Line } from '../../schemas/pipe/line/line.js';
import { Struct } from '../../schemas/pipe/scan/layout.js';
import type { KeyWords } from '../aggregate/bytes.js';
import { hashWords } from './hash.js';
import { Pieces, wordOf } from './pieces.js';

const { at, bytes: entryBytes } = new Struct({
  /** The time of the first event, which has passed, µs. */
  since: 'f64',
  /** How many events are held back. */
  times: 'f64',
  hash: 'i32',
  type: 'i32',
  /** The key, and the line of the last event that is held back: their places and numbers of bytes. */
  key: 'i32',
  keyLength: 'i32',
  line: 'i32',
  lineLength: 'i32',
  /** Where that line starts in the input's buffer; -1 if it was copied. */
  inBuffer: 'i32',
  /** The number of bytes that the line's piece was taken for; 0 without a line. */
  lineRoom: 'i32',
  /** Whether the line has a `repeat` field already. */
  hasRepeat: 'i32',
  next: 'i32',
  previous: 'i32',
});
const words = entryBytes / 4;
const numbers = entryBytes / 8;
const fewest = 256;

/**
 * Events that have passed, by key; and of the same events that are held back, their number and the last line. There is an
 * entry for each key, a number above 0. Entries are in a list, in the order in which they were added, and in a hash table with
 * open addressing. Each operation takes the same time however many there are.
 */
export class HeldEvents {
  size = 0;
  #entries = new Int32Array(fewest * words); // entry 0 is both ends of the list
  #numbers = new Float64Array(this.#entries.buffer);
  #used = 1;
  #free = 0; // the first entry to use again, which has the next one in `next`
  #slots = new Int32Array(4 * fewest); // each has a hash and an entry, which is 0 if the slot is free
  #shift = 31 - Math.log2(fewest);
  #hash = 0; // of the key that was looked for last
  readonly #pieces = new Pieces();
  #buffer: Buffer = Buffer.alloc(0); // the input's
  readonly #inBuffer: number[] = []; // entries whose line may be there

  /** The entry that was added first; 0 if it is empty. */
  get oldest(): number {
    return this.#get(0, at.next);
  }

  since(entry: number): number {
    return this.#numbers[entry * numbers + at.since] as number;
  }

  times(entry: number): number {
    return this.#numbers[entry * numbers + at.times] as number;
  }

  hasRepeat(entry: number): boolean {
    return this.#get(entry, at.hasRepeat) > 0;
  }

  /** Returns the last line that is held back: `bytes[start..end)`, until the entry is removed. */
  line(entry: number): { bytes: Buffer; start: number; end: number } {
    const length = this.#get(entry, at.lineLength);
    const inBuffer = this.#get(entry, at.inBuffer);
    if (inBuffer >= 0) return { bytes: this.#buffer, start: inBuffer, end: inBuffer + length };
    const place = this.#get(entry, at.line);
    const start = 4 * wordOf(place);
    return { bytes: this.#pieces.block(place).bytes, start, end: start + length };
  }

  /** Returns the entry of a key of events of this type, or 0. */
  find(type: number, key: KeyWords): number {
    const hash = hashWords(key.words, key.from, wordsIn(key.length), type);
    this.#hash = hash;
    const slots = this.#slots;
    for (let slot = hash >>> this.#shift; ; slot = this.#after(slot)) {
      const entry = slots[2 * slot + 1] as number;
      if (entry === 0 || (slots[2 * slot] === hash && this.#is(entry, type, key))) return entry;
    }
  }

  /** Adds the key that `find` has just looked for. */
  add(type: number, key: KeyWords, since: number): void {
    if (++this.size > this.#slots.length / 4) this.#growSlots();
    const entry = this.#take();
    this.#insert(this.#hash, entry);
    this.#numbers[entry * numbers + at.since] = since;
    this.#numbers[entry * numbers + at.times] = 0;
    this.#set(entry, at.hash, this.#hash);
    this.#set(entry, at.type, type);
    this.#set(entry, at.key, this.#pieces.take(key.length));
    this.#set(entry, at.keyLength, key.length);
    this.#set(entry, at.lineRoom, 0);
    this.#set(entry, at.inBuffer, -1);
    this.#copyKey(key, this.#get(entry, at.key));
    this.#link(entry);
  }

  /** Replaces the line that is held back, and adds `times` to the number of events. */
  hold(entry: number, { buffer, start, end, stays }: Line, times: number, hasRepeat: boolean): void {
    this.#set(entry, at.hasRepeat, Number(hasRepeat));
    this.#numbers[entry * numbers + at.times] = this.times(entry) + times;
    if (buffer !== this.#buffer) this.settle();
    this.#buffer = buffer;
    if (this.#get(entry, at.inBuffer) < 0) this.#inBuffer.push(entry);
    this.#set(entry, at.inBuffer, start);
    this.#set(entry, at.lineLength, end - start);
    if (!stays) this.settle();
  }

  /** Copies the lines that are held back, so that the input's buffer may change. */
  settle(): void {
    for (const entry of this.#inBuffer) if (this.#get(entry, at.inBuffer) >= 0) this.#copyLine(entry);
    this.#inBuffer.length = 0;
  }

  #copyLine(entry: number): void {
    const length = this.#get(entry, at.lineLength);
    const room = this.#get(entry, at.lineRoom);
    if (length > room) {
      if (room > 0) this.#pieces.give(this.#get(entry, at.line), room);
      this.#set(entry, at.line, this.#pieces.take(length));
      this.#set(entry, at.lineRoom, length);
    }
    const place = this.#get(entry, at.line);
    // for a few hundred bytes, subarray() and copy() of a Buffer take longer than the copying
    const { buffer, byteOffset } = this.#buffer;
    const bytes = new Uint8Array(buffer, byteOffset + this.#get(entry, at.inBuffer), length);
    this.#pieces.block(place).bytes.set(bytes, 4 * wordOf(place));
    this.#set(entry, at.inBuffer, -1);
  }

  remove(entry: number): void {
    this.size--;
    this.#unlink(entry);
    this.#freeSlot(entry);
    this.#pieces.give(this.#get(entry, at.key), this.#get(entry, at.keyLength));
    const room = this.#get(entry, at.lineRoom);
    if (room > 0) this.#pieces.give(this.#get(entry, at.line), room);
    this.#set(entry, at.inBuffer, -1);
    this.#set(entry, at.next, this.#free);
    this.#free = entry;
  }

  /** Moves an entry to the end of the list, as if it were added now. */
  moveToEnd(entry: number): void {
    this.#unlink(entry);
    this.#link(entry);
  }

  #get(entry: number, member: number): number {
    return this.#entries[entry * words + member] as number;
  }

  #set(entry: number, member: number, value: number): void {
    this.#entries[entry * words + member] = value;
  }

  #link(entry: number): void {
    const newest = this.#get(0, at.previous);
    this.#set(newest, at.next, entry);
    this.#set(entry, at.previous, newest);
    this.#set(entry, at.next, 0);
    this.#set(0, at.previous, entry);
  }

  #unlink(entry: number): void {
    const [previous, next] = [this.#get(entry, at.previous), this.#get(entry, at.next)];
    this.#set(previous, at.next, next);
    this.#set(next, at.previous, previous);
  }

  #is(entry: number, type: number, { words: from, from: start, length }: KeyWords): boolean {
    if (this.#get(entry, at.keyLength) !== length || this.#get(entry, at.type) !== type) return false;
    const place = this.#get(entry, at.key);
    const key = this.#pieces.block(place).words;
    const first = wordOf(place);
    for (let i = wordsIn(length) - 1; i >= 0; i--) if (key[first + i] !== from[start + i]) return false;
    return true;
  }

  #copyKey({ words: from, from: start, length }: KeyWords, place: number): void {
    const to = this.#pieces.block(place).words;
    const first = wordOf(place);
    for (let i = wordsIn(length) - 1; i >= 0; i--) to[first + i] = from[start + i] as number;
  }

  /** Returns an entry that is not in use. */
  #take(): number {
    const entry = this.#free;
    if (entry > 0) {
      this.#free = this.#get(entry, at.next);
      return entry;
    }
    if (this.#used * words === this.#entries.length) {
      const larger = new Int32Array(2 * this.#entries.length);
      larger.set(this.#entries);
      this.#entries = larger;
      this.#numbers = new Float64Array(larger.buffer);
    }
    return this.#used++;
  }

  #after(slot: number): number {
    return (slot + 1) & (this.#slots.length / 2 - 1);
  }

  #insert(hash: number, entry: number): void {
    let slot = hash >>> this.#shift;
    while (this.#slots[2 * slot + 1] !== 0) slot = this.#after(slot);
    this.#slots[2 * slot] = hash;
    this.#slots[2 * slot + 1] = entry;
  }

  /** Frees the slot of an entry. Moves back the entries after it that were pushed on by it. */
  #freeSlot(entry: number): void {
    const slots = this.#slots;
    const last = slots.length / 2 - 1;
    let free = this.#get(entry, at.hash) >>> this.#shift;
    while (slots[2 * free + 1] !== entry) free = this.#after(free);
    for (let slot = this.#after(free); slots[2 * slot + 1] !== 0; slot = this.#after(slot)) {
      const hash = slots[2 * slot] as number;
      if (((slot - (hash >>> this.#shift)) & last) < ((slot - free) & last)) continue;
      slots[2 * free] = hash;
      slots[2 * free + 1] = slots[2 * slot + 1] as number;
      free = slot;
    }
    slots[2 * free + 1] = 0;
  }

  #growSlots(): void {
    this.#slots = new Int32Array(2 * this.#slots.length);
    this.#shift--;
    for (let entry = this.oldest; entry > 0; entry = this.#get(entry, at.next))
      this.#insert(this.#get(entry, at.hash), entry);
  }
}

const wordsIn = (length: number) => (length + 3) >> 2;
