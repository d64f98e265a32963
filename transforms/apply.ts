import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { attemptTypes } from '../schemas/attempts.js';
import type { Event } from '../schemas/generated/events.js';
import { defineCommand } from '../schemas/pipe/command/command.js';
import { type AnyEvent, invalid, type Line } from '../schemas/pipe/line/line.js';
import { cause, RuntimeError } from '../schemas/pipe/messages/errors.js';
import type { Output, Stage } from '../schemas/pipe/stage/stage.js';

/**
 * A user's function. Its result decides what happens to the event: true passes the line unchanged, false or undefined
 * drops it, and an event or an array of events replaces it.
 */
export type Apply = (event: Event) => Result | Promise<Result>;
type Result = boolean | undefined | AnyEvent | AnyEvent[];

/**
 * Creates the stage for use in a program: `apply((event) => event.dport === 443)`. The function gets the events of
 * `types`; other events pass.
 */
export function apply(each: Apply, types = attemptTypes, name = 'apply'): Stage {
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
    const reason = invalid(event);
    if (reason !== undefined) throw new RuntimeError(`${name} returned an invalid event: ${reason}`);
    out.event(event);
  }
  if (events.length === 0) out.drop();
}

interface Loaded {
  default?: unknown;
  types?: string[];
}

/** Imports a module with tsx, which compiles TypeScript, or with Node's own import if tsx is not installed. */
async function load(url: string): Promise<Loaded> {
  try {
    const { tsImport } = await import('tsx/esm/api'); // takes half a second, so it is loaded only here
    return await tsImport(url, import.meta.url);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ERR_MODULE_NOT_FOUND' || !message.includes("'tsx'")) throw error;
    return import(url);
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
        if ((error as NodeJS.ErrnoException).code === 'ERR_UNKNOWN_FILE_EXTENSION')
          throw new RuntimeError(`cannot load ${file}: TypeScript needs tsx with this Node; npm install -g tsx`);
        throw new RuntimeError(`cannot load ${file}: ${(error as Error).message.split('\n').slice(0, 2).join(' ')}`);
      }
      if (typeof loaded.default === 'object') loaded = loaded.default as Loaded; // CommonJS: no package.json with "type": "module"
      if (typeof loaded.default !== 'function') {
        throw new RuntimeError(`${file} has no default export that is a function; write export default (event) => …`);
      }
      inner = apply(loaded.default as Apply, loaded.types, file);
    },
    line: (line, out) => inner.line(line, out),
  };
}

export const command = defineCommand({
  name: 'apply',
  summary: 'runs each event through your own TypeScript function',
  usage: '[OPTION]… FILE',
  examples: [
    ['collector | apply ./mine.ts', 'mine.ts: export default (event) => event.dport !== 443'],
    ['apply ./team.ts < events.ndjson', "team.ts: export default (event) => ({ ...event, team: 'web' })"],
  ],
  args: ['FILE'],
  options: {},
  notes: `The function gets a validated event. It returns true to pass the line unchanged, false or nothing to drop it, or
one or more events to replace it, which are validated too. It gets connect, outcome and pending events; all other events
pass. To choose other types, export them from the file: export const types = ['dns', 'summary']
Whatever the file prints (console.log, process.stdout) goes to stderr.`,
  stage: ({ rest }) => fromFile(rest[0] as string),
});
