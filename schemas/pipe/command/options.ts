import { parseArgs } from 'node:util';
import { closest, distance } from 'fastest-levenshtein';
import { ExpressionError, UsageError } from '../messages/errors.js';

/** One row of a command's option table. The table parses the command line, checks library calls and makes --help. */
export interface Option {
  help: string;
  /** The name of the value in --help. A switch has no value. */
  value?: string;
  short?: string;
  /** The words that the value may list, separated by commas, for shell completion. */
  words?: readonly string[];
  /** The option may be repeated; its values become an array. */
  many?: true;
  /** Converts the text to the value. Throws UsageError; its message follows the option's name ("must be a port, not …"). */
  parse?: (text: string) => unknown;
}
export type Options = Record<string, Option>;

type One<O extends Option> = O extends { parse: (text: string) => infer V }
  ? V
  : O extends { value: string }
    ? string
    : true;
type Camel<S> = S extends `${infer A}-${infer B}` ? `${A}${Capitalize<B>}` : S;

/** The parsed values of a table's options, named in camelCase. */
export type Values<T extends Options> = {
  [K in keyof T as Camel<K>]?: T[K] extends { many: true } ? One<T[K]>[] : One<T[K]>;
};

/** The options of a library call: texts or numbers, or arrays of these; true for a switch. */
export type Given<T extends Options> = {
  [K in keyof T as Camel<K>]?: T[K] extends { value: string }
    ? string | number | readonly (string | number)[]
    : boolean;
};

/** Converts `not-dport` to `notDport`. */
export const camel = (name: string) => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());

export interface Parsed<T extends Options> {
  values: Values<T>;
  /** The original texts, for messages and --status. */
  given: Record<string, string | true>;
  /** The arguments that are not options. */
  rest: string[];
  /** The arguments after `--`. */
  afterDashes?: string[];
}

/**
 * Parses a command line by its table. Throws UsageError. For an unknown option the message has the hint from `instead`, or
 * the nearest option.
 */
export function parseCommandLine<T extends Options>(
  table: T,
  argv: readonly string[],
  instead: Readonly<Record<string, string>> = {},
): Parsed<T> {
  const { tokens } = parseArgs({
    args: [...argv],
    strict: false,
    tokens: true,
    options: Object.fromEntries(
      Object.entries(table).map(([name, { short, value }]) => [
        name,
        { type: value ? 'string' : 'boolean', ...(short ? { short } : {}) } as const,
      ]),
    ),
  });
  const parsed = new OptionValues(table);
  const rest: string[] = [];
  let afterDashes: string[] | undefined;
  for (const token of tokens) {
    if (token.kind === 'option-terminator') afterDashes = [];
    if (token.kind === 'positional') (afterDashes ?? rest).push(token.value);
    if (token.kind !== 'option') continue;
    const option = Object.hasOwn(table, token.name) ? table[token.name] : undefined;
    if (!option) throw new UsageError(unknown(token.rawName, Object.keys(table), instead));
    if (option.value && token.value === undefined)
      throw new UsageError(`${token.rawName} needs a value: ${option.value}`);
    if (!option.value && token.value !== undefined) throw new UsageError(`${token.rawName} takes no value`);
    parsed.add(token.name, token.rawName, token.value ?? true);
  }
  return { ...parsed.result(), rest, ...(afterDashes && { afterDashes }) };
}

/** Checks the options of a library call by the same table. Throws UsageError. */
export function parseGiven<T extends Options>(table: T, given: Given<T>): Parsed<T> {
  const parsed = new OptionValues(table);
  const names = new Map(Object.keys(table).map((name) => [camel(name), name]));
  for (const [key, value] of Object.entries(given)) {
    const name = names.get(key);
    if (!name) throw new UsageError(unknown(key, [...names.keys()]));
    if (value === undefined || value === false) continue;
    const { value: wanted } = table[name] as Option;
    if (wanted ? value === true : value !== true)
      throw new UsageError(`${key} ${wanted ? `needs a value: ${wanted}` : 'must be true or false'}`);
    for (const one of Array.isArray(value) ? value : [value]) parsed.add(name, key, one === true ? true : String(one));
  }
  return { ...parsed.result(), rest: [] };
}

class OptionValues<T extends Options> {
  readonly #values: Record<string, unknown> = {};
  readonly #given: Record<string, string | true> = {};

  constructor(private readonly table: T) {}

  add(name: string, shown: string, text: string | true): void {
    const option = this.table[name] as Option;
    const key = camel(name);
    let value: unknown = text;
    if (option.parse && text !== true) {
      try {
        value = option.parse(text);
      } catch (error) {
        if (error instanceof ExpressionError) throw new UsageError(`${shown}: ${error.message}`);
        if (error instanceof UsageError) throw new UsageError(`${shown} ${error.message}`);
        throw error;
      }
    }
    const before = this.#given[name];
    if (option.many) {
      this.#values[key] = [...((this.#values[key] as unknown[]) ?? []), value];
      this.#given[name] = before === undefined ? text : `${before},${text}`;
    } else {
      if (before !== undefined && option.value) throw new UsageError(`${shown} was given twice`);
      this.#values[key] = value;
      this.#given[name] = text;
    }
  }

  result(): { values: Values<T>; given: Record<string, string | true> } {
    return { values: this.#values as Values<T>, given: this.#given };
  }
}

function unknown(shown: string, names: string[], instead: Readonly<Record<string, string>> = {}): string {
  const dashes = shown.startsWith('-') ? '--' : '';
  const word = shown.replace(/^-+/, '');
  const known = Object.hasOwn(instead, word) ? instead[word] : undefined;
  return `unknown option ${shown}; ${known ?? nearest(word, names, dashes) ?? 'see --help'}`;
}

/** Returns `did you mean …?` if the word resembles one of these names or is a part of one, else undefined. */
export function nearest(word: string, names: string[], prefix = ''): string | undefined {
  if (word.length < 2 || names.length === 0) return undefined;
  const near = closest(word, names);
  const typo = distance(word, near) <= Math.max(1, Math.round(word.length * 0.4));
  const found = typo ? near : names.find((name) => partOf(name, word) || partOf(word, name));
  return found && `did you mean ${prefix}${found}?`;
}

/** Whether a name of several words, such as `latency-over`, starts or ends with the word `part`. */
const partOf = (name: string, part: string) => name.startsWith(`${part}-`) || name.endsWith(`-${part}`);

/** Returns a parser for an option's whole number from min to max. */
export function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(number >= min && number <= max))
      throw new UsageError(`must be a whole number from ${min} to ${max}, not "${text}"`);
    return number;
  };
}

/** Returns a parser for an option that takes one of these words. */
export function oneOf<W extends string>(...words: W[]): (text: string) => W {
  return (text) => {
    if (!(words as string[]).includes(text)) throw new UsageError(`must be ${words.join(' or ')}, not "${text}"`);
    return text as W;
  };
}

/** Returns a parser for an option's comma-separated list. `part` parses each element. */
export function list<V>(part: (text: string) => V): (text: string) => V[] {
  return (text) => text.split(',').map((one) => part(one.trim()));
}
