import { kinds } from '../../schemas/generated/kinds.js';
import { Struct } from '../../schemas/pipe/scan/layout.js';

/** The bits of `what`. The lowest ones are the reason why a line gets no name. */
export const reasonBits = 7;
/** The name's age is inserted. */
export const aged = 8;
/** The text has fields that a line may have as unknown members. */
export const zoned = 16;
/** The text is valid only for attempts in a range of time. */
export const timed = 32;
/** The record has no text: the text depends on more fields. */
export const split = 64;

/** A record of the cache. The text follows the key. */
export const addition = new Struct({
  hash: 'u32',
  keyWords: 'u32',
  /** The length of the text in bytes. */
  bytes: 'u32',
  /** The words that there are for this record. */
  room: 'i32',
  /** When it expires, in the caller's time. */
  until: 'i32',
  /** It is valid only while the generation of its mark is still this one. */
  mark: 'i32',
  generation: 'i32',
  what: 'i32',
  /** If aged: how many bytes of the text are before the age. */
  before: 'u32',
  /** If split: a bit for each ID, by its last six bits. */
  ids: ['u32', 2],
  /** If timed: when the name was answered, and the range of time, in µs since 1970. */
  answered: 'f64',
  from: 'f64',
  to: 'f64',
  key: ['i32', 0],
});

export const mostKeyWords = 96;
export const mostFields = 64;
export const marks = 4096;
export const slots = 1 << 18;

/** The places of fields in lines of one kind. */
export const additionKind = new Struct({
  /** Whether lines of this kind are extended. */
  extended: 'i32',
  start: 'i32',
  ts: 'i32',
  /** -1 if ts is not the end of the attempt. */
  latency: 'i32',
  /** The fields of the key, level by level. */
  key: ['i32', mostFields],
  /** The fields that a text adds. */
  given: ['i32', mostFields],
});

export const additionCache = new Struct({
  /** The number of fields in a key of each level. */
  levels: ['i32', 3],
  given: 'i32',
  kinds: [additionKind, kinds.length],
  generations: ['i32', marks],
  /** By hash: where the record starts in the arena, or 0. */
  index: ['i32', slots],
  arena: ['i32', 0],
});

/** The registers of `extend`: its argument, and how many bytes it wrote, and how many lines without a name for each reason. */
export const extendRegisters = new Struct({ now: 'i32', bytes: 'i32', unnamed: ['i32', reasonBits + 1] });

/** The hash of a key: start with `hashStart`; for each word, multiply by `hashFactor`. */
export const hashStart = 0x811c9dc5;
export const hashFactor = 0x9e3779b1;
