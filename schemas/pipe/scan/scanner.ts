import type { Line } from '../line/line.js';
import type { AdditionCache } from './addition-cache.js';
import type { CompiledFilter } from './compiled-filter.js';
import type { GatherPlan } from './gather.js';

/**
 * A buffer for bytes, and the records of the lines in it: `table` has `recordWords` words for each line, in the layout that
 * generated/kinds.ts describes.
 */
export interface Scanner {
  readonly buffer: Buffer;
  readonly table: Int32Array;
  /**
   * Scans the lines in buffer[from..to), which ends with a newline. Returns how many lines now have a record, starting at
   * table[first]: all, or as many as fit.
   */
  scan(from: number, to: number): number;
  readonly first: number;
  /** Returns whether lines can be scanned ahead, by another thread. */
  ahead(): boolean;
  /** Offers the lines in buffer[from..to) to be scanned ahead. `scan` must then be called for all offered lines, in order. */
  offer(from: number, to: number): void;
  /** Ends the other thread, if there is one. */
  close(): void;
  /**
   * Gathers from at most `lines` lines at table[record…] into `gathered`, as described in gather.h. Returns how many: it stops
   * at the first line that needs JavaScript.
   */
  gather(record: number, lines: number, gather: GatherPlan): number;
  readonly gathered: Buffer;
  /**
   * Filters `lines` lines at table[record…]. Moves the records of those that pass to the front. Stops at the first line that
   * needs an answer.
   */
  filter(record: number, lines: number, filter: CompiledFilter): FilterResult;
  /** Answers, for this line, the question that stopped `filter`. Returns whether the filter knows the answer now. */
  learn(line: Line, filter: CompiledFilter, question: number): boolean;
  /**
   * Adds cached fields that are valid `now` to `lines` lines at table[record…], and writes them to `gathered`. Stops at the
   * first line without any.
   */
  extend(record: number, lines: number, cache: AdditionCache, now: number): ExtendResult;
  /** Packs `lines` lines at table[record…] one after the other at `to`, a lower place. Returns the end. */
  pack(record: number, lines: number, to: number): number;
}

/** How many lines were filtered, how many of them pass, and the question that stopped the filter (-1: none). */
export interface FilterResult {
  asked: number;
  passed: number;
  question: number;
}

/** How many lines were extended, how many bytes they are now, and how many of them have no name, by reason. */
export interface ExtendResult {
  lines: number;
  bytes: number;
  unnamed: Int32Array;
}
