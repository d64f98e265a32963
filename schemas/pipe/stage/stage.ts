import type { Status } from '../../generated/events.js';
import type { AnyEvent, Line } from '../line/line.js';
import type { Metric } from '../metrics/text.js';
import type { ScannedLines } from '../scan/scanned-lines.js';

/**
 * One stage of a pipeline: events in, events out. It knows nothing about stdin, stdout, signals and exit codes (those are in
 * run/), so it works the same as a process and inside a program. Only `name` and `line` are required.
 */
export interface Stage {
  readonly name: string;
  /** The event types it handles, once it is open. All others pass unchanged. Without this it handles all types. */
  readonly types?: readonly string[];
  open?(out: Output): void | Promise<void>;
  line(line: Line, out: Output): void | Promise<void>;
  /**
   * The input pauses, or `wake` was called: pass on or store what is held. With `last`, the stage has failed, and everything
   * received before must go out now.
   */
  flush?(out: Output, last?: boolean): void | Promise<void>;
  /**
   * The input has ended: write what was kept. Return true if there is more: it is called again once the output is written,
   * so that even a large rest needs little memory.
   */
  finish?(out: Output): boolean | undefined | Promise<boolean | undefined>;
  /** Closes what is open. Called once at the end, even after an error. */
  close?(): void | Promise<void>;
  readonly traits?: Traits;
  readonly batch?: Batch | undefined;
  readonly background?: Background;
  readonly observe?: Observe;
  readonly control?: Control;
}

/** Where a stage writes its results. A call of exactly one of `pass`, `drop` and `stored` decides the fate of each line. */
export interface Output {
  /** Passes on a line, or many scanned lines, unchanged, as their own bytes. */
  pass(line: Line | ScannedLines): void;
  /** Drops one line, or `lines` lines, on purpose: they count as filtered. */
  drop(lines?: number): void;
  /** Counts lines that a sink has stored. */
  stored(lines: number): void;
  /** Writes a new event, as canonical JSON. A sink whose output is not events writes text: one or more lines. */
  write(event: AnyEvent | string): void;
  /**
   * Writes the bytes of a line, or of `lines` lines, without the last newline: of lines kept earlier, or with added fields.
   * They must be valid.
   */
  bytes(buffer: Buffer, start: number, end: number, lines?: number): void;
  /** Counts events lost here, and writes a `lost` event. */
  lost(where: string, count: number): void;
  /**
   * Schedules a call to `flush`, even if no input arrives: something is due, or an answer has come. May be called at any
   * time. If `flush` itself calls it, the output so far is written before the next `flush`.
   */
  wake(): void;
  /** Whether enough output is pending that `flush` or `finish` should return. */
  readonly full: boolean;
}

/** What does not change while the stage runs. */
export interface Traits {
  /** The event types that are dropped before the stage sees them, and counted as filtered. */
  readonly drops?: readonly string[];
  /** Its options, for --status. */
  readonly options?: Record<string, unknown>;
  /** Its standard output is not a stream of events. */
  readonly sink?: boolean;
  /** Its lines are safe on disk after `flush`. Nothing is read before that, so kill -9 loses at most one read. */
  readonly durable?: boolean;
}

/** Takes many scanned lines at once, which is faster than one by one. */
export interface Batch {
  /** Processes the first of these lines, of any type. Returns how many. The next one goes to `line` if its type is handled. */
  lines(lines: ScannedLines, out: Output): number;
  /** How much memory its kernel needs, if that is more than a little. */
  readonly kernelBytes?: number;
  /** Whether it has dropped a dns event because of `drops`. */
  readonly hasDroppedDns?: boolean;
}

/** Lets `flush` start work that continues while more input is processed. Lines marked `stays` then last until the next flush. */
export interface Background {
  /** Waits for that work. Called before waiting for input, and at the end. */
  done(): void | Promise<void>;
}

/** What the stage reports about itself. */
export interface Observe {
  /** More counts, for the status event at the end. */
  counts?(): Partial<Status>;
  /** More metrics, for --metrics. */
  metrics?(): Metric[];
  /** How many events it holds and will pass on later. A sink does not need it: the ledger has that number. */
  held?(): number;
  /** How many bytes it holds. */
  heldBytes?(): number;
  /**
   * Returns a test for whether all lines received so far have been passed on, dropped or stored. For a stage that keeps lines
   * after `flush`: source-nats acknowledges an event once the tests of all stages are true. A line that was only counted, as
   * in aggregate, is dropped.
   */
  mark?(): () => boolean;
}

/** How the stage learns of signals and invalid lines. */
export interface Control {
  /** The first SIGINT, SIGTERM or SIGHUP has arrived. A stage that continues after the end of its input stops now. */
  asked?(): void;
  /**
   * SIGTERM, or a second SIGINT: stop waiting soon. Returns how long that may take (ms). The process then exits with the
   * stage's exit code. Without this method it dies from the signal.
   */
  stop?(): number;
  /** SIGHUP: reopen files. */
  reopen?(): void | Promise<void>;
  /** `count` invalid lines were skipped here. The stream has a `lost` event for them already. */
  skipped?(count: number): void;
}
