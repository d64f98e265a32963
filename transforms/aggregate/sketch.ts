import { RuntimeError } from '../../schemas/pipe/messages/errors.js';
import type { Slots } from '../../schemas/sketch.js';
import { Cells } from './cells.js';
import { hash } from './hash.js';

/**
 * HyperLogLog with 4096 registers: estimates the number of distinct values with a standard error of 1.6 %, and nearly
 * exactly if there are few. Returns the register of a value and its rank; each register keeps its largest rank.
 */
export function register(bytes: Uint8Array, length: number): { slot: number; rank: number } {
  const high = hash(bytes, 0, length, 0x5bd1e995);
  const rest = high << 12;
  const rank = rest !== 0 ? Math.clz32(rest) + 1 : Math.clz32(hash(bytes, 0, length, 0x2f0b4f37)) + 21;
  return { slot: high >>> 20, rank };
}

const registers = Cells.slots;
const most = 53; // the largest rank

/** Estimates the number of distinct values from the registers (Ertl's improved raw estimator, 2017). */
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

/** The first byte of an encoded sketch, so that a later synpipe can change the format. */
const version = 1;
const room = Buffer.alloc(1 << 16);

/**
 * Encodes slots as base64: the version, the number `more`, then for each slot twice its value. If slots before it are 0,
 * 1 is added to that, and the number of these slots follows.
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

/** Decodes the output of `encode`, and returns the number `more`. Throws RuntimeError if the text is invalid. */
export function decode(text: string, take: (slot: number, value: number) => void): number {
  const bytes = Buffer.from(text, 'base64');
  let at = 0;
  const next = () => {
    let number = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined || scale > 2 ** 112)
        throw new RuntimeError('a sketch is damaged; create its summary again');
      number += (byte & 127) * scale;
      if (byte < 128) return number;
    }
  };
  if (next() !== version) throw new RuntimeError('a sketch has an unknown version; use a newer synpipe');
  const more = next();
  for (let slot = -1; at < bytes.length; ) {
    const value = next();
    slot += value % 2 === 1 ? next() + 1 : 1;
    if (slot >= Cells.slots) throw new RuntimeError('a sketch is damaged; create its summary again');
    take(slot, Math.floor(value / 2));
  }
  return more;
}

/** Writes an integer with 7 bits per byte, the lowest first. Returns the end. */
function put(into: Buffer, start: number, number: number): number {
  let at = start;
  let left = number;
  for (; left >= 128; left = Math.floor(left / 128)) into[at++] = (left % 128) | 128;
  into[at++] = left;
  return at;
}
