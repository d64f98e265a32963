import { existsSync } from 'node:fs';
import { version } from '../../generated/version.js';
import { isTerminal, leaveReads, leaveTerminals } from '../io/fd.js';
import { Files } from '../io/files.js';
import { Follower } from '../io/follow.js';
import type { Source } from '../io/source.js';
import { stdin } from '../io/stdin.js';
import { UsageError } from '../messages/errors.js';
import { exitCode } from '../messages/exit-code.js';
import { logMessage } from '../messages/log.js';
import { keepStderrBlocking } from '../messages/stderr.js';
import { type MetricsAt, metricsOption } from '../metrics/metrics.js';
import { type PreparedStage, runStages } from '../run/run-stages.js';
import { invalidChoice } from '../stage/invalid.js';
import { argumentsOf, type Command, readsEvents } from './command.js';
import { help } from './help.js';
import { type Options, type Parsed, parseCommandLine } from './options.js';
import { otherCommand } from './other-command.js';
import { print } from './print.js';

const commonOptions: Options = {
  help: { short: 'h', help: 'Show this help and exit.' },
  version: { help: 'Show the version and exit.' },
};
/** How a command reads files that takes other arguments. */
const inputOption = {
  input: {
    value: 'FILE',
    many: true,
    help: 'Read this file instead of standard input. May be repeated.',
  },
} satisfies Options;
const readingOptions = {
  follow: {
    help: 'Continue when the last file ends: read what is added to it, also after it was rotated or truncated, as tail -F does.',
  },
} satisfies Options;
const lenientOption = {
  lenient: {
    help: 'Take every JSON object as an event, even if fields are missing or wrong. Without a type it is taken as an outcome.',
  },
} satisfies Options;
const stageOptions = {
  'on-invalid': {
    value: 'report|fail|drop|FILE',
    parse: invalidChoice,
    help: 'What to do with an invalid line: report it on stderr and exit with code 1 after the last line (default), fail at the first one, drop it (only the total is reported), or append it to FILE with its line number and the reason (write ./drop for a file of that name).',
  },
  status: { help: 'Write status events: the version and options at the start, the counts at the end.' },
  metrics: metricsOption,
  progress: {
    help: 'Show progress in one line on stderr. This is on by default when reading a file, and always off if stderr is not a terminal.',
  },
} satisfies Options;

/** Runs a command on this process's arguments and standard streams, and sets the exit code. */
export async function main(command: Command<never>, argv: readonly string[] = process.argv.slice(2)): Promise<void> {
  process.on('exit', leaveTerminals);
  process.on('exit', leaveReads);
  keepStderrBlocking();
  process.exitCode = 1; // if the event loop empties before the command is done
  process.exitCode = await runCommand(command as unknown as Command<Options>, argv);
}

/** Runs a command on any command line. Resolves to the exit code. */
export async function runCommand(command: Command<Options>, argv: readonly string[]): Promise<number> {
  try {
    const ready = parseCommand(command, argv);
    if ('text' in ready) {
      await print(ready.text);
      return 0;
    }
    if (command.run) return await command.run(ready.parsed);
    const { source = stdin(), ...stage } = prepareStage(command, ready.parsed);
    return await runStages([stage], source);
  } catch (error) {
    return exitCode(command.name, error);
  }
}

/** Returns all options of a command: its own, and those that all commands or all stages have. */
export function optionsOf(command: Command<Options>): Options {
  return {
    ...command.options,
    ...(command.stage && command.args ? inputOption : {}),
    ...(readsEvents(command) ? readingOptions : {}),
    ...(command.lenient ? lenientOption : {}),
    ...(command.stage || command.source ? stageOptions : {}),
    ...commonOptions,
  };
}

/** Parses a command line. Returns the result, or the text to print for --help and --version. Throws UsageError. */
export function parseCommand(
  command: Command<Options>,
  argv: readonly string[],
): { parsed: Parsed<Options> } | { text: string } {
  const options = optionsOf(command);
  const parsed = parseCommandLine<Options>(options, argv, {
    instead: {
      ...(readsEvents(command) && { lenient: `${command.name} needs complete events; leave it out` }),
      ...command.instead,
    },
    elsewhere: (option) => otherCommand(command, option),
  });
  if (parsed.given.help) return { text: help(command, options, terminalColumns()) };
  if (parsed.given.version) return { text: `${command.name} (synpipe) ${version}\n` };
  if (!command.takesCommand) parsed.rest.push(...(parsed.afterDashes ?? []));
  checkArguments(command, parsed.rest);
  return { parsed };
}

/** Returns the width of the terminal on standard output; undefined if it is something else. */
function terminalColumns(): number | undefined {
  return isTerminal(1) && process.stdout.isTTY ? process.stdout.columns : undefined;
}

/** Makes the stage for a command line, and its source if that is not stdin. Throws UsageError. */
export function prepareStage(command: Command<Options>, parsed: Parsed<Options>): PreparedStage & { source?: Source } {
  const files = filesOf(command, parsed);
  const follower = parsed.given.follow ? new Follower(followed(files)) : undefined;
  const report = (message: string) => logMessage(command.name, message);
  const input = () => (files.length > 0 ? new Files(files, report, {}, follower) : stdin());
  const {
    onInvalid = 'report',
    status = false,
    progress = false,
    lenient = false,
    metrics,
  } = parsed.values as { onInvalid?: string; status?: true; progress?: true; lenient?: true; metrics?: MetricsAt };
  // what is left belongs to the stage
  for (const name of Object.keys({
    ...inputOption,
    ...readingOptions,
    ...lenientOption,
    ...stageOptions,
    ...commonOptions,
  }))
    delete parsed.given[name];
  const run = { invalid: onInvalid, lenient, status, progress, metrics };
  if (command.source) return { ...command.source(parsed, input), ...run };
  const stage = command.stage?.(parsed);
  if (!stage) throw new Error(`${command.name} has neither stage, source nor run`);
  return { stage, ...run, ...(files.length > 0 && { source: input() }) };
}

/** Returns the names of the files that a command line names. */
export function filesOf(command: Command<Options>, { rest, values }: Parsed<Options>): string[] {
  if (!readsEvents(command)) return [];
  return command.args ? ((values as { input?: string[] }).input ?? []) : rest;
}

/** Returns the file to follow. Throws UsageError if it cannot be followed. */
function followed(files: readonly string[]): string {
  const last = files.at(-1);
  if (last === undefined) throw new UsageError('--follow needs a file to read');
  if (last === '-' || last === '/dev/stdin')
    throw new UsageError('--follow cannot follow standard input; name a file, or leave out --follow');
  if (/\.(gz|zst)$/.test(last))
    throw new UsageError(`--follow cannot follow ${last}: it is compressed; name the file that is being written last`);
  if (/[*?[]/.test(last))
    throw new UsageError(`--follow cannot follow the pattern ${last}; add the name of the file that is being written`);
  return last;
}

function checkArguments(command: Command<Options>, given: readonly string[]): void {
  const { name, takesCommand, instead = {} } = command;
  const args = argumentsOf(command);
  const missing = args[given.length];
  if (missing !== undefined && !missing.startsWith('[')) throw new UsageError(`missing ${missing}; see --help`);
  const reads = readsEvents(command);
  if (reads && !command.args) {
    const wrong = instead[''] && given.find((one) => one !== '-' && !/[./*?]/.test(one) && !existsSync(one));
    if (wrong) throw new UsageError(`"${wrong}" is not a file; ${instead['']}`);
    return;
  }
  const more = given[args.length];
  if (more === undefined || args.at(-1)?.includes('…')) return;
  const file = reads && existsSync(more) ? `to read a file, write --input ${more}` : undefined;
  const other = takesCommand && args.length === 0 ? `to run a command, write ${name} -- ${given.join(' ')}` : undefined;
  throw new UsageError(`unexpected argument "${more}"; ${file ?? other ?? instead[''] ?? 'see --help'}`);
}
