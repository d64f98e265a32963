import type { Status } from '../../generated/events.js';
import type { AnyEvent, Line } from '../line/line.js';
import type { Metric } from '../metrics/text.js';
import { CompiledFilter, type Condition } from '../scan/compiled-filter.js';
import type { ScannedLines } from '../scan/scanned-lines.js';

/** Where a stage puts what it makes of a line. Exactly one of `pass`, `drop` and `stored` tells what became of it. */
export interface Output {
  /** The line goes on as it came: its own bytes. */
  pass(line: Line): void;
  /** The line is held back on purpose, or so many lines are. */
  drop(lines?: number): void;
  /** A sink has put this many lines where they belong. */
  stored(lines: number): void;
  /** A new event goes on, as canonical JSON. */
  event(event: AnyEvent): void;
  /** A line's bytes go on, without a newline: of one that was kept, or that got fields more. They must be valid. */
  bytes(buffer: Buffer, start: number, end: number): void;
  /** The line goes on with more fields before its closing brace: fields[from..to), each `,"key":value`. */
  extended(line: Line, fields: Buffer, from: number, to: number): void;
  /** So many lines go on as these bytes, each with its newline. They must be valid. */
  lines(buffer: Buffer, start: number, end: number, lines: number): void;
  /** Events are lost here: they are counted, and told in the stream. */
  lost(where: string, count: number): void;
  /** A line of text goes to standard output: for sinks, which end the stream of events. */
  text(line: string): void;
  /**
   * Has `flush` called soon, also while no input comes: something is due, or an answer is there. May be called any time.
   * Where `flush` itself calls it, what was put out until then is written before the next.
   */
  wake(): void;
  /** There is enough to write: time to return from `flush` or `finish`. */
  readonly full: boolean;
}

/**
 * One step of a pipe: events in, events out. It knows nothing of stdin, stdout, signals and exit codes (run.ts does),
 * so it works the same as a process of its own and in a program.
 */
export interface Stage {
  readonly name: string;
  /** The event types it wants to see; all others pass it by unchanged. All, if left out. */
  readonly types?: readonly string[];
  /** The event types that end here: they are neither shown to the stage nor passed, but counted as filtered. */
  readonly ends?: readonly string[];
  /** What --status tells of it. */
  readonly filters?: Record<string, unknown>;
  /** It ends the stream: its standard output is no stream of events. */
  readonly sink?: boolean;
  /** What it took is safe once `flush` is done: no more is read before that, so that kill -9 loses one read at most. */
  readonly durable?: boolean;
  /** A stage that only chooses says here whether a line goes on; it is then asked in place of `line`. */
  keep?(line: Line): boolean;
  /** The same of many lines at once. */
  readonly compiledFilter?: CompiledFilter | undefined;
  open?(out: Output): void | Promise<void>;
  line(line: Line, out: Output): void | Promise<void>;
  /**
   * Scanned lines are at hand, and the stage may take many at once. It returns how many of them, from the first on, it has
   * dealt with; the next one goes to `line`.
   */
  lines?(lines: ScannedLines, out: Output): number;
  /** So many lines at this place were no valid events; that is told in the stream already. */
  invalid?(count: number): void;
  /**
   * The input pauses, or `wake` was called: what is held must go where it belongs now. `last`: an error has ended the
   * stage, and nothing that came before it may stay.
   */
  flush?(out: Output, last?: boolean): void | Promise<void>;
  /**
   * Waits for what `flush` has begun and left under way. Called before the input is waited for, and at the end. Lines that
   * stay do so until the next flush is over.
   */
  settled?(): void | Promise<void>;
  /**
   * The input has ended: what was kept until now goes out. True says that there is more, and it is called again once
   * that is written, so that an end of any size needs little memory.
   */
  finish?(out: Output): boolean | undefined | Promise<boolean | undefined>;
  /** What is open is closed. Called once at the end, after an error too; what it puts out is not sent after an error. */
  end?(out: Output): void | Promise<void>;
  /** The first signal that asks for the end: what goes on after the end of its input ends now. */
  asked?(): void;
  /** What else it has counted, for the end status. */
  counts?(): Partial<Status>;
  /**
   * Returns a test: whether all lines that came until now have gone on, were dropped, or are stored. For a stage that
   * keeps lines beyond `flush` and `settled`: source-nats acknowledges an event when the test of each stage holds. A line
   * that was only counted, such as one of aggregate's, is dropped.
   */
  mark?(): () => boolean;
  /** How many events it holds, where these go on later. Of a sink that is known without. */
  held?(): number;
  /** How many bytes it holds. */
  heldBytes?(): number;
  /** What else there is to measure, for --metrics. */
  metrics?(): Metric[];
  /**
   * SIGTERM, or a second SIGINT: what it waits for is to be given up soon. Returns how long that may take (ms). The
   * process then ends with the exit code of what came of it; without this, it dies of the signal.
   */
  stop?(): number;
  /** SIGHUP: open files anew. */
  reopen?(): void | Promise<void>;
}

/**
 * A stage that only chooses: lines of these types that `keep` says no to are held back, and those of `ends` always. With
 * what `keep` asks of a line it is quicker.
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

/** Lets all lines pass. */
export const everything = Object.assign(() => true, { condition: { is: 'and', of: [] } as const });
