import { existsSync } from 'node:fs';
import { version } from '../../generated/version.js';
import { leaveTerminals } from '../io/fd.js';
import { type Source, stdin } from '../io/source.js';
import { UsageError } from '../messages/errors.js';
import { exitCode } from '../messages/exit-code.js';
import { keepStderrBlocking } from '../messages/stderr.js';
import { type MetricsAt, metricsOption } from '../metrics/metrics.js';
import { type PreparedStage, runStages } from '../run/run-stages.js';
import { invalidChoice } from '../stage/invalid.js';
import type { Command } from './command.js';
import { help } from './help.js';
import { type Options, type Parsed, parseCommandLine } from './options.js';
import { print } from './print.js';

const commonOptions: Options = {
  help: { short: 'h', help: 'Show this help and exit.' },
  version: { help: 'Show the version and exit.' },
};
const stageOptions = {
  'on-invalid': {
    value: 'report|fail|drop|FILE',
    parse: invalidChoice,
    help: 'What to do with an invalid line: report it on stderr and exit with code 1 after the last line (default), fail at the first one, drop it (only the total is reported), or append it to FILE with its line number and the reason (./drop is a FILE).',
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
  return { ...command.options, ...(command.stage || command.source ? stageOptions : {}), ...commonOptions };
}

/** Parses a command line. Returns the result, or the text to print for --help and --version. Throws UsageError. */
export function parseCommand(
  command: Command<Options>,
  argv: readonly string[],
): { parsed: Parsed<Options> } | { text: string } {
  const options = optionsOf(command);
  const parsed = parseCommandLine<Options>(options, argv, command.instead);
  if (parsed.given.help) return { text: help(command, options) };
  if (parsed.given.version) return { text: `${command.name} (synpipe) ${version}\n` };
  if (!command.takesCommand) parsed.rest.push(...(parsed.afterDashes ?? []));
  checkArguments(command, parsed.rest);
  return { parsed };
}

/** Makes the stage for a command line, and its source if that is not stdin. Throws UsageError. */
export function prepareStage(command: Command<Options>, parsed: Parsed<Options>): PreparedStage & { source?: Source } {
  const {
    onInvalid = 'report',
    status = false,
    progress = false,
    metrics,
  } = parsed.values as { onInvalid?: string; status?: true; progress?: true; metrics?: MetricsAt };
  // what is left belongs to the stage
  for (const name of Object.keys({ ...stageOptions, ...commonOptions })) delete parsed.given[name];
  const run = { invalid: onInvalid, status, progress, metrics };
  if (command.source) return { ...command.source(parsed), ...run };
  const stage = command.stage?.(parsed);
  if (!stage) throw new Error(`${command.name} has neither stage, source nor run`);
  return { stage, ...run };
}

function checkArguments(
  { name, args = [], takesCommand, stage, instead }: Command<Options>,
  given: readonly string[],
): void {
  const missing = args[given.length];
  if (missing !== undefined && !missing.startsWith('[')) throw new UsageError(`missing ${missing}; see --help`);
  const more = given[args.length];
  if (more === undefined) return;
  const file = stage && existsSync(more) ? `to read a file, write ${name} … < ${more}` : undefined;
  const other = takesCommand && args.length === 0 ? `to run a command, write ${name} -- ${given.join(' ')}` : undefined;
  throw new UsageError(`unexpected argument "${more}"; ${file ?? other ?? instead?.[''] ?? 'see --help'}`);
}
