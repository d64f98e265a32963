import { parseArgs } from 'node:util';
import { ExpressionError, invalidValue, UsageError } from '../messages/errors.js';
import { nearestName } from './nearest.js';

/** One row of a command's option table. The table parses the command line, checks library calls and makes --help. */
export interface Option {
  help: string;
  /** The name of the value in --help. A switch has no value. */
  value?: string;
  short?: string;
  /** Other names that people may try. An unknown option that resembles one gets this option suggested. */
  also?: readonly string[];
  /** The words that the value may list, separated by commas, for shell completion. */
  words?: readonly string[];
  /** The option may be repeated; its values become an array. */
  many?: true;
  /** Converts the text to the value. Throws an `invalidValue`. */
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

/** What to suggest in place of an unknown option. */
export interface Hints {
  /** By its name. */
  instead?: Readonly<Record<string, string>> | undefined;
  /** Finds another command that has it. */
  elsewhere?: (name: string) => string | undefined;
}

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
 * Parses a command line by its table. Throws UsageError. For an unknown option the message has a hint, or the nearest
 * option.
 */
export function parseCommandLine<T extends Options>(table: T, argv: readonly string[], hints: Hints = {}): Parsed<T> {
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
    if (!option) throw new UsageError(unknown(token.rawName, table, hints));
    if (option.value && token.value === undefined) throw new UsageError(missingValue(token.rawName, option.value));
    if (!option.value && token.value !== undefined) throw new UsageError(`${token.rawName} takes no value`);
    parsed.add(token.name, token.rawName, token.value ?? true);
  }
  return { ...parsed.result(), rest, ...(afterDashes && { afterDashes }) };
}

/**
 * Checks the options of a library call by the same table. The `args` become the arguments of the command line. Throws
 * UsageError.
 */
export function parseGiven<T extends Options, A extends string = never>(
  table: T,
  given: Given<T> & { [K in NoInfer<A>]: string | readonly string[] },
  args: readonly A[] = [],
): Parsed<T> {
  if (typeof given !== 'object' || given === null)
    throw new UsageError(`invalid options "${given}": use an object, as in { ${args[0] ?? 'name'}: … }`);
  const parsed = new OptionValues(table);
  const known = { ...table, ...Object.fromEntries(args.map((name) => [name, { help: '' }])) };
  const names = new Map(Object.keys(known).map((name) => [camel(name), name]));
  for (const [key, value] of Object.entries(given as Given<Options>)) {
    const name = names.get(key);
    if (!name) throw new UsageError(unknown(key, known));
    if (value === undefined || value === false || args.includes(name as A)) continue;
    const { value: wanted, many } = table[name] as Option;
    if (wanted ? value === true : value !== true)
      throw new UsageError(wanted ? missingValue(key, wanted) : `invalid ${key}: use true or false`);
    const all = many && Array.isArray(value) ? value : [value];
    for (const one of all) parsed.add(name, key, one === true ? true : String(one));
  }
  return { ...parsed.result(), rest: args.map((name) => argument(name, given[name])) };
}

/** Returns the text of an argument; of several, separated by commas. */
function argument(name: string, value: unknown): string {
  if (value === undefined || value === true || value === false) throw new UsageError(`missing ${name}; see --help`);
  return String(value);
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
        if (error instanceof UsageError) throw new UsageError(`invalid ${shown} ${error.message}`);
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

const missingValue = (shown: string, value: string) => `missing value of ${shown}; use ${shown} ${value}`;

function unknown(shown: string, table: Options, hints: Hints = {}): string {
  const dashes = shown.startsWith('-') ? '--' : '';
  const word = shown.replace(/^-+/, '');
  const { instead = {}, elsewhere } = hints;
  const known = Object.hasOwn(instead, word) ? instead[word] : undefined;
  return `unknown option ${shown}; ${known ?? nearestOption(word, table, dashes) ?? elsewhere?.(word) ?? 'see --help'}`;
}

function nearestOption(word: string, table: Options, dashes: string): string | undefined {
  const names = new Map<string, string>();
  const shown = (name: string) => (dashes ? name : camel(name));
  for (const [name, { also = [] }] of Object.entries(table)) {
    for (const one of [name, ...also]) names.set(shown(one), shown(name));
  }
  const near = nearestName(word, [...names.keys()]);
  return near && `did you mean ${dashes}${names.get(near)}?`;
}

/** Returns a parser for an option's whole number from min to max. */
export function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(number >= min && number <= max)) throw invalidValue(text, `use a whole number from ${min} to ${max}`);
    return number;
  };
}

/** Returns `a, b or c`. */
const either = (words: readonly string[]) => words.join(', ').replace(/, ([^,]*)$/, ' or $1');

/** Returns a parser for an option that takes one of these words. */
export function oneOf<W extends string>(...words: W[]): (text: string) => W {
  return (text) => {
    if (!(words as string[]).includes(text)) throw invalidValue(text, `use ${either(words)}`);
    return text as W;
  };
}

/** Returns a parser for an option's comma-separated list. `part` parses each element. */
export function list<V>(part: (text: string) => V): (text: string) => V[] {
  return (text) => text.split(',').map((one) => part(one.trim()));
}
