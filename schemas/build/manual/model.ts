/** Part of the build: the data for man pages and completions, from the commands' option tables. */
import type { Command } from '../../pipe/command/command.js';
import { notesOf } from '../../pipe/command/help.js';
import { optionsOf } from '../../pipe/command/main.js';
import type { Option, Options } from '../../pipe/command/options.js';

/** An option. */
export interface Row {
  name: string;
  short: string | undefined;
  help: string;
  /** The value's name in the help; undefined if the option takes no value. */
  value: string | undefined;
  /** The words that the value may be, if they can be listed. */
  words: readonly string[];
  /** The value is a list of these words, separated by commas. */
  list: boolean;
  /** The value may be a path. */
  path: boolean;
}

/** A command. */
export interface Entry {
  /** `filter`, or `synpipe run` */
  name: string;
  summary: string;
  usage: string;
  examples: Command['examples'];
  notes: string;
  rows: Row[];
  /** Its arguments: the words that each may be, and whether it may be a path. */
  args: { words: readonly string[]; path: boolean }[];
  /** Takes another command line after `--`. */
  behind: boolean;
}

const isPath = (value: string) => /\b(FILE|PATH|DIR|FOLDER|LINK)\b/.test(value);
const wordsIn = (value: string) => value.split('|').filter((part) => /^[a-z0-9][a-z0-9-]*$/.test(part));

function row([name, { short, value, help, words }]: [string, Option]): Row {
  const text = value ?? '';
  return { name, short, help, value, words: words ?? wordsIn(text), list: words !== undefined, path: isPath(text) };
}

export function entry(command: Command<never>): Entry {
  const { name, summary, usage, examples, args = [], takesCommand: behind = false } = command;
  const options = optionsOf(command as unknown as Command<Options>);
  return {
    ...{ name, summary, usage, examples, notes: notesOf(command as unknown as Command<Options>, options), behind },
    rows: Object.entries(options).map(row),
    args: args.map((arg) => ({ words: wordsIn(arg), path: isPath(arg) })),
  };
}
