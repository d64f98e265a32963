import { accessSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Script } from 'node:vm';
import { attemptTypes } from '../schemas/attempts.js';
import type { Event } from '../schemas/generated/events.js';
import { defineCommand } from '../schemas/pipe/command/command.js';
import { type Given, list, type Options, parseGiven } from '../schemas/pipe/command/options.js';
import { dist } from '../schemas/pipe/io/dist.js';
import { importModule } from '../schemas/pipe/io/import-module.cjs';
import { type AnyEvent, invalid, type Line } from '../schemas/pipe/line/line.js';
import {
  cause,
  conflict,
  ExpressionError,
  invalidValue,
  RuntimeError,
  remedy,
  UsageError,
} from '../schemas/pipe/messages/errors.js';
import type { Output, Stage } from '../schemas/pipe/stage/stage.js';

/**
 * A user's function. Its result decides what happens to the event: true passes the line unchanged, false or undefined
 * drops it, and an event or an array of events replaces it.
 */
export type Apply = (event: Event) => Result | Promise<Result>;
type Result = boolean | undefined | AnyEvent | AnyEvent[];

const programOptions = {
  types: { value: 'TYPES', parse: list(String), help: 'The types of the events that the function gets.' },
} satisfies Options;

/**
 * Creates the stage for use in a program: `apply({ each: (event) => event.dport === 443 })`. The function gets the events of
 * `types` (default: connect, outcome, pending); other events pass. Throws UsageError on a bad value.
 */
export function apply({ each, ...given }: Given<typeof programOptions> & { each: Apply }): Stage {
  const { types } = parseGiven(programOptions, given).values;
  if (typeof each !== 'function') throw new UsageError('missing each; use a function, as in each: (event) => …');
  return calling(each, types, 'apply');
}

function calling(each: Apply, types: readonly string[] = attemptTypes, name: string): Stage {
  return {
    name,
    types,
    async line(line, out) {
      let result: Result;
      try {
        result = await each(line.event as Event);
      } catch (error) {
        throw new RuntimeError(`${name} threw: ${cause(error)}`);
      }
      put(name, result, line, out);
    },
  };
}

function put(name: string, result: Result, line: Line, out: Output): void {
  if (result === true) {
    out.pass(line);
    return;
  }
  const events = result ? (Array.isArray(result) ? result : [result]) : [];
  for (const event of events) {
    const reason = line.lenient ? undefined : invalid(event);
    if (reason !== undefined) throw new RuntimeError(`${name} returned an invalid event: ${reason}`);
    out.write(event);
  }
  if (events.length === 0) out.drop();
}

/** Throws RuntimeError if the file is not there: the loader's message names a module and its own folder instead. */
function checkExists(file: string): void {
  try {
    accessSync(file);
  } catch (error) {
    throw new RuntimeError(`cannot read ${file}: ${cause(error)}; ${remedy(error)}`);
  }
}

interface Loaded {
  default?: unknown;
  types?: string[];
}

/** Imports a module with tsx, which compiles TypeScript, or with Node's own import if tsx is not installed. */
async function load(url: string): Promise<Loaded> {
  try {
    const { tsImport } = (await importModule('tsx/esm/api')) as typeof import('tsx/esm/api'); // takes half a second, so it is loaded only here
    return await tsImport(url, dist.href);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ERR_MODULE_NOT_FOUND' || !message.includes("'tsx'")) throw error;
    return importModule(url) as Promise<Loaded>;
  }
}

/** Redirects to stderr what the user's file prints, because stdout carries events. */
function keepStdoutForEvents(): void {
  process.stderr.on('error', () => {}); // continue after stderr is closed
  Object.defineProperty(process, 'stdout', { value: process.stderr, configurable: true }); // console uses it too
}

/** Creates a stage from the default export of a TypeScript or JavaScript file. The file is loaded when the stage opens. */
function fromFile(file: string): Stage {
  let inner: Stage;
  return {
    name: 'apply',
    get types() {
      return inner.types as readonly string[]; // only read after open
    },
    async open() {
      let loaded: Loaded;
      keepStdoutForEvents();
      try {
        loaded = await load(pathToFileURL(resolve(file)).href);
      } catch (error) {
        checkExists(file);
        if ((error as NodeJS.ErrnoException).code === 'ERR_UNKNOWN_FILE_EXTENSION')
          throw new RuntimeError(`cannot load ${file}: TypeScript needs tsx with this Node; npm install -g tsx`);
        throw new RuntimeError(`cannot load ${file}: ${(error as Error).message.split('\n').slice(0, 2).join(' ')}`);
      }
      if (typeof loaded.default === 'object') loaded = loaded.default as Loaded; // CommonJS: no package.json with "type": "module"
      if (typeof loaded.default !== 'function') {
        throw new RuntimeError(`${file} has no default export that is a function; write export default (event) => …`);
      }
      inner = calling(loaded.default as Apply, loaded.types, file);
    },
    line: (line, out) => inner.line(line, out),
  };
}

/** Compiles a function given on the command line. Throws ExpressionError if its syntax is wrong. */
function expression(text: string): Apply {
  let result: unknown;
  try {
    result = new Script(`(${text}\n)`, { filename: '-e', columnOffset: -1 }).runInThisContext();
  } catch (error) {
    throw new ExpressionError(syntaxError(error as Error));
  }
  if (typeof result !== 'function') throw invalidValue(text, "use a function, as in -e 'event => event.dport !== 443'");
  return result as Apply;
}

/** Returns `column 7: Unexpected token ')'`. Node tells the place only in the stack, with a line of carets. */
function syntaxError({ name, message, stack = '' }: Error): string {
  const [, line = '1', carets] = /^-e:(\d+)\n.*\n( *)\^/.exec(stack) ?? [];
  if (name !== 'SyntaxError' || carets === undefined)
    return `${message}; write it as in -e 'event => event.dport !== 443'`;
  const column = carets.length + (line === '1' ? 0 : 1);
  return `${line === '1' ? '' : `line ${line}, `}column ${Math.max(column, 1)}: ${message}; correct the expression`;
}

/** Creates a stage from a function given on the command line. */
function fromExpression(each: Apply): Stage {
  const inner = calling(each, attemptTypes, 'the function');
  return { ...inner, name: 'apply', open: keepStdoutForEvents };
}

const options = {
  eval: {
    short: 'e',
    value: 'FUNCTION',
    parse: expression,
    help: "Run this JavaScript function instead of a file: 'event => event.dport !== 443'. It can do all that this user can: do not take it from a source that you do not trust.",
  },
} satisfies Options;

export const command = defineCommand({
  name: 'apply',
  summary: 'runs each event through your own function, in TypeScript or JavaScript',
  usage: '[OPTION]… FILE\n       apply [OPTION]… -e FUNCTION',
  examples: [
    [
      "collector | apply -e 'event => event.uid !== 0'",
      "a function on the command line, here in place of filter's options",
    ],
    ['collector | apply ./mine.ts', 'mine.ts: export default (event) => event.dport !== 443'],
    ['apply ./team.ts --input events.ndjson', "team.ts: export default (event) => ({ ...event, team: 'web' })"],
  ],
  args: ['[FILE]'],
  options,
  lenient: true,
  notes: `The function gets a validated event. It returns true to pass the line unchanged, false or nothing to drop it, or
one or more events to replace it, which are validated too. It gets connect, outcome, pending, closed and open events; all
other events pass. To choose other types, export them from the file: export const types = ['dns', 'summary']

A file or function runs with all rights of this user. Whatever it prints (console.log, process.stdout) goes to stderr.`,
  stage({ values, rest: [file] }) {
    if (values.eval && file !== undefined) throw conflict('-e', 'FILE');
    if (values.eval) return fromExpression(values.eval);
    if (file === undefined) throw new UsageError('missing FILE; see --help');
    return fromFile(file);
  },
});
