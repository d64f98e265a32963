import { kinds } from '../../schemas/generated/kinds.js';
import { Struct } from '../../schemas/pipe/scan/layout.js';
import { mostPlaces } from '../../schemas/pipe/scan/record.layout.js';

export const longestText = 60;

/** A text of a record. */
export const recordText = new Struct({ length: 'u32', bytes: ['u8', longestText] });

/** How records are made of the lines of one kind. */
export const recordKind = new Struct({
  /** The place of the time; -1: such lines are left to JavaScript. */
  time: 'i32',
  /** The place of the field that only failures have, or -1. */
  failed: 'i32',
  /** For each field, where the text before its value is in `starts`, and its length. */
  startAt: ['u32', mostPlaces],
  startLength: ['u32', mostPlaces],
});

/**
 * A record is: before, the time (ns since 1970), between (or failed), the line as a JSON string, after. With
 * attributes, each field's start and value follow, and then `end`.
 */
export const records = new Struct({
  before: recordText,
  between: recordText,
  failed: recordText,
  after: recordText,
  end: recordText,
  attributes: 'u32',
  /** The bytes of all texts for the kind that has most. */
  most: 'u32',
  kinds: [recordKind, kinds.length],
  starts: ['u8', 0],
});

/** How many bytes `records` has written. */
export const recordsRegisters = new Struct({ bytes: 'u32' });
