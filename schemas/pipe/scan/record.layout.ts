import { kinds } from '../../generated/kinds.js';
import { Struct } from './layout.js';

/** The number of fields of the type with most fields. */
export const mostPlaces = Math.max(...kinds.map(({ fields }) => fields.length));

/** What the scanner finds out about a line. Places and lengths are in bytes. */
export const record = new Struct({
  /** Where the line starts, and where its newline is. */
  start: 'u32',
  end: 'u32',
  /** The index of its type in `kinds`, or `unknownKind`: then the rest is undefined. */
  kind: 'i32',
  /** A bit for each field that the line has. */
  fields: ['u32', Math.ceil(mostPlaces / 32)],
  /** Whether it has fields that the schema does not know. */
  others: 'u32',
  /** For each field of the type, the value's place in the line and, 16 bits higher, its length. */
  places: ['u32', mostPlaces],
});

export const recordWords = record.bytes / 4;
export const kindCount = kinds.length;

/** The kind of a line that the scanner does not accept: JSON.parse and ajv decide. */
export const unknownKind = -1;

/** The longest line that has a record: places have 16 bits. */
export const longestLine = 0xffff;

/** The most members of an object whose members are not in the schema. */
export const mostOpen = 64;

/** The scanner compares several bytes at once, and may read this many bytes after the last newline. */
export const slack = 64;
