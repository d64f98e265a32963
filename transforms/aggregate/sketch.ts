import { RuntimeError } from '../../schemas/pipe/messages/errors.js';
import { Cells, type Slots } from './cells.js';
import { hash } from './hash.js';

/**
 * DDSketch (Masson, Rim, Lee 2019): counts in buckets that grow by a factor, so that a quantile is known within 1 % of
 * its value, and sketches add up without loss. Slot 0 is the value 0, slot i + 1 holds values from γ^(i-1) to γ^i.
 * A value is an integer up to 2^53, so all buckets there can be fit into the slots of Cells.
 */
const accuracy = 0.01;
const gamma = (1 + accuracy) / (1 - accuracy);
const perLog = 1 / Math.log(gamma);

export function bucketOf(value: number): number {
  return value < 1 ? 0 : Math.ceil(Math.log(value) * perLog) + 1;
}

const middle = (slot: number) => (slot === 0 ? 0 : (2 * gamma ** (slot - 1)) / (gamma + 1));

/** The value at quantile q: that of rank floor(q (n - 1)) from below, within 1 %. */
export function quantile({ length, slots, values }: Slots, q: number, total: number): number {
  let rank = Math.floor(q * (total - 1));
  for (let i = 0; i < length; i++) {
    rank -= values[i] as number;
    if (rank < 0) return middle(slots[i] as number);
  }
  return middle(slots[length - 1] as number);
}

/**
 * HyperLogLog with 4096 registers: a number of distinct values within 1.6 % (standard error), nearly exact while they
 * are few. Returns the register of a value, whose bytes these are, and the number to keep the largest of.
 */
export function register(bytes: Uint8Array, length: number): { slot: number; rank: number } {
  const high = hash(bytes, 0, length, 0x5bd1e995);
  const rest = high << 12;
  const rank = rest !== 0 ? Math.clz32(rest) + 1 : Math.clz32(hash(bytes, 0, length, 0x2f0b4f37)) + 21;
  return { slot: high >>> 20, rank };
}

const registers = Cells.slots;
const most = 53; // the largest rank

/** How many distinct values these registers saw (Ertl's improved raw estimator, 2017). */
export function distinct({ length, values }: Slots): number {
  const counts = new Float64Array(most + 1);
  counts[0] = registers - length;
  for (let i = 0; i < length; i++) {
    const rank = values[i] as number;
    counts[rank] = (counts[rank] as number) + 1;
  }
  let z = registers * tau(1 - (counts[most] as number) / registers);
  for (let rank = most - 1; rank >= 1; rank--) z = 0.5 * (z + (counts[rank] as number));
  z += registers * sigma((counts[0] as number) / registers);
  return Math.round((registers * registers) / (2 * Math.LN2 * z));
}

function sigma(share: number): number {
  if (share === 1) return Number.POSITIVE_INFINITY;
  let x = share;
  let z = x;
  for (let y = 1, before = -1; z !== before; y += y) {
    before = z;
    x *= x;
    z += x * y;
  }
  return z;
}

function tau(share: number): number {
  if (share === 0 || share === 1) return 0;
  let x = share;
  let z = 1 - x;
  for (let y = 0.5, before = -1; z !== before; y *= 0.5) {
    before = z;
    x = Math.sqrt(x);
    z -= (1 - x) ** 2 * y;
  }
  return z / 3;
}

/** The first byte of what is written, so that a later synpipe may write something else. */
const version = 1;
const room = Buffer.alloc(1 << 16);

/**
 * Slots as base64: the version, a number that goes with them, then for each twice its value, and 1 more where slots before
 * it are 0, whose number follows then.
 */
export function encode({ length, slots, values }: Slots, more: number): string {
  let at = put(room, 0, version);
  at = put(room, at, more);
  for (let i = 0, before = -1; i < length; i++) {
    const gap = (slots[i] as number) - before - 1;
    at = put(room, at, (values[i] as number) * 2 + (gap > 0 ? 1 : 0));
    if (gap > 0) at = put(room, at, gap);
    before = slots[i] as number;
  }
  return room.toString('base64', 0, at);
}

/** Reads what `encode` wrote, and returns the number that goes with it. Throws RuntimeError where it is something else. */
export function decode(text: string, take: (slot: number, value: number) => void): number {
  const bytes = Buffer.from(text, 'base64');
  let at = 0;
  const next = () => {
    let number = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined || scale > 2 ** 112) throw new RuntimeError('a sketch is damaged; make its summary anew');
      number += (byte & 127) * scale;
      if (byte < 128) return number;
    }
  };
  if (next() !== version) throw new RuntimeError('a sketch is of a newer version; use a newer synpipe');
  const more = next();
  for (let slot = -1; at < bytes.length; ) {
    const value = next();
    slot += value % 2 === 1 ? next() + 1 : 1;
    if (slot >= Cells.slots) throw new RuntimeError('a sketch is damaged; make its summary anew');
    take(slot, Math.floor(value / 2));
  }
  return more;
}

/** Writes an integer in 7 bits a byte. */
function put(into: Buffer, start: number, number: number): number {
  let at = start;
  let left = number;
  for (; left >= 128; left = Math.floor(left / 128)) into[at++] = (left % 128) | 128;
  into[at++] = left;
  return at;
}
