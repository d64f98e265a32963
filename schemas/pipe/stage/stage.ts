import type { Status } from '../../generated/events.js';
import type { AnyEvent, Line } from '../line/line.js';
import type { Metric } from '../metrics/text.js';
import { CompiledFilter, type Condition } from '../scan/compiled-filter.js';
import type { ScannedLines } from '../scan/scanned-lines.js';

/** Where a stage writes its results. A call of exactly one of `pass`, `drop` and `stored` decides the fate of each line. */
export interface Output {
  /** Passes the line on unchanged, as its own bytes. */
  pass(line: Line): void;
  /** Drops one line, or `lines` lines, on purpose: they count as filtered. */
  drop(lines?: number): void;
  /** Counts lines that a sink has stored. */
  stored(lines: number): void;
  /** Passes on a new event, as canonical JSON. */
  event(event: AnyEvent): void;
  /** Passes on the bytes of a line, without a newline: of a line kept earlier, or one with added fields. It must be valid. */
  bytes(buffer: Buffer, start: number, end: number): void;
  /** Passes the line on with more fields before its closing brace: fields[from..to), each `,"key":value`. */
  extended(line: Line, fields: Buffer, from: number, to: number): void;
  /** Passes on the bytes of `lines` lines, each with its newline. They must be valid. */
  lines(buffer: Buffer, start: number, end: number, lines: number): void;
  /** Counts events lost here, and writes a `lost` event. */
  lost(where: string, count: number): void;
  /** Writes a line of text to standard output. For sinks, whose output is not events. */
  text(line: string): void;
  /**
   * Schedules a call to `flush`, even if no input arrives: something is due, or an answer has come. May be called at any
   * time. If `flush` itself calls it, the output so far is written before the next `flush`.
   */
  wake(): void;
  /** Whether enough output is pending that `flush` or `finish` should return. */
  readonly full: boolean;
}

/**
 * One stage of a pipeline: events in, events out. It knows nothing about stdin, stdout, signals and exit codes (those are in
 * run/), so it works the same as a process and inside a program.
 */
export interface Stage {
  readonly name: string;
  /** The event types it handles. All others pass unchanged. Without this it handles all types. */
  readonly types?: readonly string[];
  /** The event types that are dropped before the stage sees them, and counted as filtered. */
  readonly ends?: readonly string[];
  /** Its options, for --status. */
  readonly filters?: Record<string, unknown>;
  /** Whether its standard output is not a stream of events. */
  readonly sink?: boolean;
  /** Whether its lines are safe on disk after `flush`. Nothing is read before that, so kill -9 loses at most one read. */
  readonly durable?: boolean;
  /** For a stage that only filters: returns whether a line passes. It is called instead of `line`. */
  keep?(line: Line): boolean;
  /** The same filter, compiled for many lines at once. */
  readonly compiledFilter?: CompiledFilter | undefined;
  open?(out: Output): void | Promise<void>;
  line(line: Line, out: Output): void | Promise<void>;
  /**
   * Offers the stage many scanned lines at once. Returns how many it has processed, counted from the first. The next one goes
   * to `line`.
   */
  lines?(lines: ScannedLines, out: Output): number;
  /** `count` invalid lines were skipped here. The stream has a `lost` event for them already. */
  invalid?(count: number): void;
  /**
   * The input pauses, or `wake` was called: pass on or store what is held. With `last`, the stage has failed, and everything
   * received before must go out now.
   */
  flush?(out: Output, last?: boolean): void | Promise<void>;
  /**
   * Waits for work that `flush` has started and not finished. Called before waiting for input, and at the end. Lines marked
   * `stays` are valid until the next flush is over.
   */
  settled?(): void | Promise<void>;
  /**
   * The input has ended: write what was kept. Return true if there is more: it is called again once the output is written,
   * so that even a large rest needs little memory.
   */
  finish?(out: Output): boolean | undefined | Promise<boolean | undefined>;
  /** Closes what is open. Called once at the end, even after an error. After an error its output is discarded. */
  end?(out: Output): void | Promise<void>;
  /** The first SIGINT, SIGTERM or SIGHUP has arrived. A stage that continues after the end of its input stops now. */
  asked?(): void;
  /** More counts, for the status event at the end. */
  counts?(): Partial<Status>;
  /**
   * Returns a test for whether all lines received so far have been passed on, dropped or stored. For a stage that keeps lines
   * after `flush` and `settled`: source-nats acknowledges an event once the tests of all stages are true. A line that was
   * only counted, as in aggregate, is dropped.
   */
  mark?(): () => boolean;
  /** How many events it holds that will be passed on later. Not needed for a sink: there the ledger shows it. */
  held?(): number;
  /** How many bytes it holds. */
  heldBytes?(): number;
  /** More metrics, for --metrics. */
  metrics?(): Metric[];
  /**
   * SIGTERM, or a second SIGINT: stop waiting soon. Returns how long that may take (ms). The process then exits with the
   * stage's exit code. Without this method it dies from the signal.
   */
  stop?(): number;
  /** SIGHUP: reopen files. */
  reopen?(): void | Promise<void>;
}

/**
 * Makes a stage that only filters: it drops lines of these types that `keep` rejects, and all lines of the types in `ends`.
 * It is faster if `keep` has a `condition`.
 */
export function select(
  name: string,
  types: readonly string[],
  keep: { (line: Line): boolean; readonly condition?: Condition | undefined },
  filters: Record<string, unknown>,
  ends: readonly string[] = [],
): Stage {
  const compiledFilter = keep.condition && new CompiledFilter(types, keep.condition, ends);
  return {
    name,
    types,
    ends,
    filters,
    keep,
    compiledFilter,
    line: (line, out) => (keep(line) ? out.pass(line) : out.drop()),
  };
}

/** Passes all lines. */
export const everything = Object.assign(() => true, { condition: { is: 'and', of: [] } as const });
