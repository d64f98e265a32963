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
  help: { short: 'h', help: 'Print this and end.' },
  version: { help: 'Print the version and end.' },
};
const stageOptions = {
  'on-invalid': {
    value: 'report|fail|drop|FILE',
    parse: invalidChoice,
    help: 'What becomes of a line that is no valid event: report it on stderr and end with exit code 1 after the last line (default), fail at the first, drop it (they are counted), or append it to FILE with its number and the reason (./drop is a FILE).',
  },
  status: { help: 'Write status events: what runs here at the start, what it counted at the end.' },
  metrics: metricsOption,
  progress: {
    help: 'Show on the terminal, in a line on stderr, how far this is. Where it reads a file it does so anyway; where stderr is no terminal, never.',
  },
} satisfies Options;

/** Runs a command on this process's arguments and standard streams, and sets the exit code. */
export async function main(command: Command<never>, argv: readonly string[] = process.argv.slice(2)): Promise<void> {
  process.on('exit', leaveTerminals);
  keepStderrBlocking();
  process.exitCode = 1; // of a process that should run dry before that is done
  process.exitCode = await runCommand(command as unknown as Command<Options>, argv);
}

/** The same for any command line: resolves to the exit code. */
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

/** A command's whole table: its own options, and those that it shares. */
export function optionsOf(command: Command<Options>): Options {
  return { ...command.options, ...(command.stage || command.source ? stageOptions : {}), ...commonOptions };
}

/** Checks a command line. Returns it parsed, or the text that it asks for. Throws UsageError. */
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

/** The stage that a command line asks for, and its source where that is not stdin. Throws UsageError. */
export function prepareStage(command: Command<Options>, parsed: Parsed<Options>): PreparedStage & { source?: Source } {
  const {
    onInvalid = 'report',
    status = false,
    progress = false,
    metrics,
  } = parsed.values as { onInvalid?: string; status?: true; progress?: true; metrics?: MetricsAt };
  for (const name of Object.keys({ ...stageOptions, ...commonOptions })) delete parsed.given[name]; // the rest is the stage's own
  const run = { invalid: onInvalid, status, progress, metrics };
  if (command.source) return { ...command.source(parsed), ...run };
  const stage = command.stage?.(parsed);
  if (!stage) throw new Error(`${command.name} is neither a stage nor a command of its own`);
  return { stage, ...run };
}

function checkArguments(
  { name, args = [], takesCommand, stage, instead }: Command<Options>,
  given: readonly string[],
): void {
  const missing = args[given.length];
  if (missing !== undefined && !missing.startsWith('[')) throw new UsageError(`wants ${missing}; see --help`);
  const more = given[args.length];
  if (more === undefined) return;
  const file = stage && existsSync(more) ? `it reads standard input: ${name} … < ${more}` : undefined;
  const other = takesCommand && args.length === 0 ? `to run a command, write ${name} -- ${given.join(' ')}` : undefined;
  throw new UsageError(`unexpected argument "${more}"; ${file ?? other ?? instead?.[''] ?? 'see --help'}`);
}
