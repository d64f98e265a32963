import { kinds } from '../../schemas/generated/kinds.js';
import { Struct } from '../../schemas/pipe/scan/layout.js';
import { mostPlaces } from '../../schemas/pipe/scan/record.layout.js';

/**
 * What the shape of a line includes of a field's value:
 *
 * - copied: nothing
 * - literal: the value
 * - compared: which earlier compared value it equals, and whether it may be an IPv6 address
 * - list: the number of its values, and the same of each
 * - duration: whether it is 0; with more than 12 digits, the line has no template
 */
export const use = ['copied', 'literal', 'compared', 'list', 'duration'] as const;

/** What follows the text of a piece: a value as it is, a text computed from one or two values, or the end of the line. */
export const op = ['copy', 'base', 'nanoseconds', 'start', 'sum', 'end'] as const;

/** A part of a template: the next `length` bytes of its text, and what `op` makes of the line's values number a and b. */
export const piece = new Struct({ length: 'u32', op: 'u8', a: 'u8', b: 'u8' });

/** The most values of a line: its fields, and the values of its lists. */
export const mostValues = 128;
/** The longest computed value, in bytes. */
export const mostComputed = 32;
export const mostShapeWords = 128;
/** The number of slots in the index is 1 << indexBits. */
export const indexBits = 12;

/** How to convert the lines of one shape. After the shape come the pieces, and then their text. */
export const template = new Struct({
  hash: 'u32',
  shapeWords: 'u32',
  /** 0: lines of this shape are left to JavaScript. */
  pieces: 'u32',
  /** The bytes of the text and of the computed values. */
  bytes: 'u32',
  /** How many times a value is copied at most. */
  copies: 'u32',
  shape: ['u32', 0],
});

export const templateKind = new Struct({
  /** Whether lines of this kind are converted. */
  converted: 'i32',
  /** The use of each field. */
  uses: ['u8', mostPlaces],
});

export const templates = new Struct({
  kinds: [templateKind, kinds.length],
  /** By hash: where the template starts in the arena, or 0. */
  index: ['u32', 1 << indexBits],
  arena: ['u32', 0],
});

/** Why `convert` stopped: all lines are converted, the output is full, the shape is new, or the line needs JavaScript. */
export const stop = ['done', 'full', 'new', 'line'] as const;

/** The registers of `convert`. If it stops at a new shape, that is in the output, after the bytes of the lines. */
export const convertRegisters = new Struct({ stop: 'u32', bytes: 'u32', hash: 'u32', shapeWords: 'u32' });
