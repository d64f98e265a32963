/** Part of the build: what man pages and completions are made of, from the commands' own option tables. */
import type { Command } from '../../pipe/command/command.js';
import { notesOf } from '../../pipe/command/help.js';
import { optionsOf } from '../../pipe/command/main.js';
import type { Option, Options } from '../../pipe/command/options.js';

export interface Row {
  name: string;
  short: string | undefined;
  help: string;
  /** The value's name; undefined of a switch. */
  value: string | undefined;
  /** What the value may be, where that can be listed. */
  words: readonly string[];
  /** The value is a list with commas of these words. */
  list: boolean;
  /** The value may be a path. */
  path: boolean;
}

export interface Entry {
  /** `filter`, or `synpipe run` */
  name: string;
  summary: string;
  usage: string;
  examples: Command['examples'];
  notes: string;
  rows: Row[];
  /** Its arguments: each the words that it may be, or a path. */
  args: { words: readonly string[]; path: boolean }[];
  /** Takes a command line of its own behind `--`. */
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
