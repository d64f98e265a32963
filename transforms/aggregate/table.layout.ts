import { Struct } from '../../schemas/pipe/scan/layout.js';

/** The rows are in blocks of 1 << blockBits rows. */
export const blockBits = 14;

/** A group: its key, and a number for each column. `before` is for the caller. */
export const row = new Struct({ hash: 'u32', key: 'pointer', length: 'u32', before: 'u32', columns: ['f64', 0] });

/** Writing lines handles at most this many parts of a key. */
export const mostParts = 32;

/**
 * A text and the value that follows it: a part of the key, or a column, or nothing (both -1). The text is left out if the key
 * part is empty, or if the column is 0 and `always` is not set.
 */
export const piece = new Struct({ text: 'pointer', length: 'u32', part: 'i32', column: 'i32', always: 'u32' });
