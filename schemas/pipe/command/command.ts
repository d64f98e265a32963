import type { Source } from '../io/source.js';
import type { Stage } from '../stage/stage.js';
import type { Options, Parsed } from './options.js';

/** What every command is made of: the file of its name exports one as `command`. */
export interface Command<T extends Options = Options> {
  name: string;
  /** One line, for `synpipe --help`. */
  summary: string;
  /** The arguments behind the name, such as `[OPTION]… PATH`. */
  usage: string;
  /** Pipelines to start from: each with what it does. */
  examples: readonly (readonly [line: string, meaning: string])[];
  /** The arguments it takes, by name: PATH, or [FILE] where it can do without. None, if left out. */
  args?: readonly string[];
  /** Takes a command line of its own behind `--`. */
  takesCommand?: true;
  options: T;
  /** What is tried by those who know another tool, and what to write here: an option's name, or '' for an argument. */
  instead?: Readonly<Record<string, string>>;
  /** More for --help, after the options. */
  notes?: string;
  /** A stage of the pipe, run on stdin and stdout … */
  stage?(parsed: Parsed<T>): Stage;
  /** … or one whose events come from elsewhere than stdin … */
  source?(parsed: Parsed<T>): { source: Source; stage: Stage };
  /** … or a command with a main part of its own, which resolves to its exit code. */
  run?(parsed: Parsed<T>): Promise<number>;
}

/** Lets TypeScript know the options' types inside of the command. */
export function defineCommand<const T extends Options>(command: Command<T>): Command<T> {
  return command;
}

/** A command that the build found: its line for --help, and how to get it. */
export interface Entry {
  summary: string;
  load(): Promise<Command<never>>;
}
