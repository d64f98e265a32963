import type { Line } from '../line/line.js';
import type { AdditionCache } from './addition-cache.js';
import type { CompiledFilter } from './compiled-filter.js';
import type { GatherPlan } from './gather.js';

/** The kind of a line that the scanner does not know: JSON.parse and ajv judge it. */
export const unknownKind = -1;

/** The scanner compares several bytes at once, and so looks at some behind the last newline. */
export const slack = 64;

/**
 * Room for bytes, and the records of the lines found in them: `table` has for each line `recordWords` words, laid out as
 * generated/kinds.ts says.
 */
export interface Scanner {
  readonly buffer: Buffer;
  readonly table: Int32Array;
  /**
   * Scans the lines in buffer[from..to), where a newline is the last byte. Returns how many now have a record, from
   * table[first] on: all, or the first of them.
   */
  scan(from: number, to: number): number;
  readonly first: number;
  /** Whether lines can be scanned ahead, by another thread. */
  ahead(): boolean;
  /** Has the lines in buffer[from..to) scanned ahead. They, and what was offered before, must be what is scanned next. */
  offer(from: number, to: number): void;
  /** Nothing is scanned any more. */
  close(): void;
  /**
   * Gathers what `gather` wants from the lines at table[record…], at most so many: one after the other in `gathered`, as
   * gather.h says. Returns how many: it stops at the first that is not so plain.
   */
  gather(record: number, lines: number, gather: GatherPlan): number;
  readonly gathered: Buffer;
  /**
   * Asks the lines at table[record…], so many, whether they pass. The records of those that do move to the first places.
   * Stops at the first that it cannot tell of, and returns how many came before that, and how many of these pass.
   */
  filter(record: number, lines: number, filter: CompiledFilter): FilterResult;
  /** Answers of this line what `choose` could not. Returns whether it now can. */
  learn(line: Line, filter: CompiledFilter, question: number): boolean;
  /**
   * Extends the lines at table[record…], so many, by the texts that hold `now`, into `gathered`. Stops at the first that
   * has none.
   */
  extend(record: number, lines: number, cache: AdditionCache, now: number): ExtendResult;
  /** Moves the lines at table[record…], so many, down to `to`, one behind the other. Returns the end. */
  pack(record: number, lines: number, to: number): number;
}

/** Of so many lines some pass; `question`: what could not be answered of the next. */
export interface FilterResult {
  asked: number;
  passed: number;
  question: number;
}

/** So many lines were extended, and are now so many bytes; of `unnamed`, by reason, those that have no name. */
export interface ExtendResult {
  lines: number;
  bytes: number;
  unnamed: Int32Array;
}
