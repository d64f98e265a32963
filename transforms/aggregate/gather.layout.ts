import { kinds } from '../../schemas/generated/kinds.js';
import { Struct } from '../../schemas/pipe/scan/layout.js';

/** A key has at most this many fields: there is a bit for each. */
export const mostGathered = 32;

/** What to gather from the lines of one kind. */
export const gatherKind = new Struct({
  /** -1: do not gather lines of this kind. */
  tag: 'i32',
  /** The places of the fields ts and repeat. */
  ts: 'i32',
  repeat: 'i32',
  /** Two places for each field of the key (-1: none). The second is used if the line does not have the first. */
  places: ['i32', 2 * mostGathered],
});

/** `addresses` and `virtuals`: a bit for each field that has addresses, and for each virtual field. */
export const gatherPlan = new Struct({
  fields: 'u32',
  addresses: 'u32',
  virtuals: 'u32',
  kinds: [gatherKind, kinds.length],
});

/**
 * What was gathered from one line: the length of the key; the tag, which `Table.add` replaces by the row; the time in µs since
 * 1970; and the key, which is padded with zeros to a multiple of 8 bytes.
 */
export const gathered = new Struct({ length: 'u32', tag: 'u32', time: 'f64', key: ['u8', 0] });
