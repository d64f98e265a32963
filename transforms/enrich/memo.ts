import { Field } from '../../schemas/pipe/field.js';
import type { Line } from '../../schemas/pipe/line.js';

const slots = 1 << 15;

interface Slot<T> {
  hash: number;
  key: Uint8Array;
  value: T;
}

/**
 * Remembers what was made of lines by the values of some of their fields, as bytes: nothing is decoded to find it. A
 * bounded number; a new one takes the place of another with the same hash.
 */
export class Memo<T> {
  readonly #fields: readonly Field[];
  readonly #slots = new Array<Slot<T> | undefined>(slots).fill(undefined);
  readonly #key = new Uint8Array(1024);
  #length = 0;
  #hash = 0;

  constructor(fields: readonly string[]) {
    this.#fields = fields.map((name) => new Field(name));
  }

  find(line: Line): T | undefined {
    const key = this.#key;
    let hash = 0x811c9dc5;
    let length = 0;
    for (let i = 0; i < this.#fields.length; i++) {
      if (line.locate(this.#fields[i] as Field)) {
        const { raw, from, to } = line;
        if (length + to - from >= key.length) {
          this.#length = 0; // too long to be worth it
          return undefined;
        }
        for (let at = from; at < to; at++) {
          const byte = raw[at] as number;
          key[length++] = byte;
          hash = Math.imul(hash ^ byte, 0x01000193);
        }
      }
      key[length++] = 0;
      hash = Math.imul(hash ^ i, 0x01000193);
    }
    this.#length = length;
    this.#hash = hash;
    const slot = this.#slots[(hash ^ (hash >>> 15)) & (slots - 1)];
    if (!slot || slot.hash !== hash || slot.key.length !== length) return undefined;
    for (let i = 0; i < length; i++) if (slot.key[i] !== key[i]) return undefined;
    return slot.value;
  }

  /** Remembers a value for the line of the last `find`. */
  put(value: T): void {
    if (this.#length === 0) return;
    const hash = this.#hash;
    this.#slots[(hash ^ (hash >>> 15)) & (slots - 1)] = { hash, key: this.#key.slice(0, this.#length), value };
  }

  clear(): void {
    this.#slots.fill(undefined);
  }
}
