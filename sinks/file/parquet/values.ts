const firstSlots = 1 << 8;
const firstWords = 1 << 10;
/** Random, so that no input can be made of values with equal hashes. */
const seed = crypto.getRandomValues(new Int32Array(1))[0] as number;

/**
 * The values of one column in one row group: each different value once, as JSON, and for each row the number of its value,
 * counted from 1; 0 if the row has none.
 */
export class Values {
  readonly rows: Int32Array;
  /** How many different values there are. */
  count = 0;
  /** The number of rows with a value. */
  filled = 0;
  #words = new Int32Array(firstWords); // the values; each starts in a new word, and its last word is padded with zeros
  #used = 0;
  #starts: Int32Array;
  #lengths: Int32Array;
  #hashes: Int32Array;
  #slots = new Int32Array(firstSlots); // a hash table of their numbers

  constructor(rows: number) {
    this.rows = new Int32Array(rows);
    this.#starts = new Int32Array(rows);
    this.#lengths = new Int32Array(rows);
    this.#hashes = new Int32Array(rows);
  }

  /** Sets the value of a row: `length` bytes from `start` on. Up to 3 bytes after it are read. */
  set(row: number, view: DataView, start: number, length: number): void {
    const before = row > 0 ? (this.rows[row - 1] as number) : 0; // values often repeat
    this.rows[row] =
      before > 0 && this.#equals(before - 1, view, start, length) ? before : this.#number(view, start, length);
    this.filled++;
  }

  /** Forgets all values. */
  clear(): void {
    if (this.filled === 0) return;
    this.rows.fill(0);
    this.#slots.fill(0);
    this.count = this.filled = this.#used = 0;
  }

  /** The memory of all values, until the next `set`. Value `at`, counted from 0, is bytes[start(at)..end(at)). */
  get bytes(): Buffer {
    return Buffer.from(this.#words.buffer, 0, this.#used * 4);
  }

  start(at: number): number {
    return (this.#starts[at] as number) * 4;
  }

  end(at: number): number {
    return (this.#starts[at] as number) * 4 + (this.#lengths[at] as number);
  }

  #number(view: DataView, start: number, length: number): number {
    const hash = hashOf(view, start, length);
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const number = this.#slots[slot] as number;
      if (number === 0) return this.#add(slot, hash, view, start, length);
      if (this.#hashes[number - 1] === hash && this.#equals(number - 1, view, start, length)) return number;
    }
  }

  #equals(at: number, view: DataView, start: number, length: number): boolean {
    if (this.#lengths[at] !== length) return false;
    const words = this.#words;
    const from = this.#starts[at] as number;
    const last = (length - 1) >> 2; // what differs is most often at the end
    if (words[from + last] !== lastWord(view, start, length)) return false;
    for (let i = 0; i < last; i++) if (words[from + i] !== view.getInt32(start + i * 4, true)) return false;
    return true;
  }

  #add(slot: number, hash: number, view: DataView, start: number, length: number): number {
    const last = (length - 1) >> 2;
    while (this.#used + last >= this.#words.length) {
      const larger = new Int32Array(2 * this.#words.length);
      larger.set(this.#words);
      this.#words = larger;
    }
    const at = this.count++;
    this.#starts[at] = this.#used;
    this.#lengths[at] = length;
    this.#hashes[at] = hash;
    for (let i = 0; i < last; i++) this.#words[this.#used++] = view.getInt32(start + i * 4, true);
    this.#words[this.#used++] = lastWord(view, start, length);
    this.#slots[slot] = this.count;
    if (this.count * 2 > this.#slots.length) this.#grow();
    return at + 1;
  }

  #grow(): void {
    const slots = new Int32Array(2 * this.#slots.length);
    const mask = slots.length - 1;
    for (let at = 0; at < this.count; at++) {
      let slot = (this.#hashes[at] as number) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = at + 1;
    }
    this.#slots = slots;
  }
}

/** Returns the last 1 to 4 bytes, padded with zeros. */
function lastWord(view: DataView, start: number, length: number): number {
  const last = (length - 1) & ~3;
  return view.getInt32(start + last, true) & (-1 >>> (8 * (3 - ((length - 1) & 3))));
}

function hashOf(view: DataView, start: number, length: number): number {
  const last = (length - 1) & ~3;
  let hash = seed ^ length;
  for (let i = 0; i < last; i += 4) {
    hash = Math.imul(hash ^ view.getInt32(start + i, true), 0x85ebca6b);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash ^ lastWord(view, start, length), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
