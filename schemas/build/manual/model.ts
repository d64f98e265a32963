/** Part of the build: the data for man pages and completions, from the commands' option tables. */
import { argumentsOf, type Command, usageOf } from '../../pipe/command/command.js';
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
  /** The value is a list of these names of the system, separated by commas. */
  system: 'services' | 'users' | undefined;
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
  /** Its arguments: the words that each may be, whether it may be a path, and whether there may be more of them. */
  args: { words: readonly string[]; path: boolean; repeats: boolean }[];
  /** Takes another command line after `--`. */
  behind: boolean;
}

const isPath = (value: string) => /\b(FILE|PATH|DIR|FOLDER|LINK)\b/.test(value);
const systemNames: Partial<Record<string, Row['system']>> = { PORTS: 'services', USERS: 'users' };
const wordsIn = (value: string) => value.split('|').filter((part) => /^[a-z0-9][a-z0-9-]*$/.test(part));

function row([name, { short, value, help, words }]: [string, Option]): Row {
  const text = value ?? '';
  return {
    name,
    short,
    help,
    value,
    words: words ?? wordsIn(text),
    list: words !== undefined,
    system: systemNames[text],
    path: isPath(text),
  };
}

export function entry(command: Command<never>): Entry {
  const any = command as unknown as Command<Options>;
  const { name, summary, examples, takesCommand: behind = false } = any;
  const usage = usageOf(any);
  const options = optionsOf(any);
  return {
    ...{ name, summary, usage, examples, notes: notesOf(any, options), behind },
    rows: Object.entries(options).map(row),
    args: argumentsOf(any).map((arg) => ({ words: wordsIn(arg), path: isPath(arg), repeats: arg.includes('…') })),
  };
}
