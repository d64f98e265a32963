import type { Source } from '../io/source.js';
import type { Stage } from '../stage/stage.js';
import type { Options, Parsed } from './options.js';

/** A command. The file named after it exports one of these as `command`. */
export interface Command<T extends Options = Options> {
  name: string;
  /** One line, for `synpipe --help`. */
  summary: string;
  /** The arguments after the name, such as `[OPTION]… PATH`. */
  usage: string;
  /** Example pipelines, each with what it does. */
  examples: readonly (readonly [line: string, meaning: string])[];
  /**
   * The names of its arguments: PATH, or [FILE] if optional, or [FILE…] if there may be several. Without this, a command that
   * reads events takes the files to read, and any other command takes no arguments.
   */
  args?: readonly string[];
  /** Takes a command line to run after `--`. */
  takesCommand?: true;
  options: T;
  /** Whether it has --lenient: it can work with an event that lacks fields which the schema requires. */
  lenient?: true;
  /** Hints for users of other tools: what to write here in place of an option of that name, or (key '') of an argument. */
  instead?: Readonly<Record<string, string>>;
  /** More for --help, after the options. */
  notes?: string;
  /** A stage, run on stdin and stdout … */
  stage?(parsed: Parsed<T>): Stage;
  /** … or a stage whose events come from somewhere else, or from `input()` if it takes no arguments … */
  source?(parsed: Parsed<T>, input: () => Source): { source: Source; stage: Stage };
  /** … or a command that does everything itself. Resolves to its exit code. */
  run?(parsed: Parsed<T>): Promise<number>;
}

/** Gives TypeScript the types of the options inside the command. */
export function defineCommand<const T extends Options>(command: Command<T>): Command<T> {
  return command;
}

/** A command found by the build: its line for --help, and how to load it. */
export interface Entry {
  summary: string;
  load(): Promise<Command<never>>;
}

/** Whether a command reads events from files or standard input. */
export function readsEvents({ stage, source, args }: Command<Options>): boolean {
  return stage !== undefined || (source !== undefined && args === undefined);
}

/** Returns the names of a command's arguments. */
export function argumentsOf(command: Command<Options>): readonly string[] {
  return command.args ?? (readsEvents(command) ? ['[FILE…]'] : []);
}

/** Returns how a command is called, without its name. */
export function usageOf(command: Command<Options>): string {
  return command.args || !readsEvents(command) ? command.usage : `${command.usage} [FILE…]`;
}
