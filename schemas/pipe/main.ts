import { version } from '../generated/version.js';
import type { Command } from './command.js';
import { drive, Ledger } from './drive.js';
import { cause, RuntimeError, remedy, UsageError } from './errors.js';
import { counted, countLines, FdReader, isPipe, writeAll } from './fd.js';
import { help } from './help.js';
import { onInvalid } from './invalid.js';
import { type Options, type Parsed, parseCommandLine } from './options.js';
import { say } from './say.js';
import { Signals } from './signals.js';
import type { Stage } from './stage.js';

const manners: Options = {
  help: { short: 'h', help: 'Print this and end.' },
  version: { help: 'Print the version and end.' },
};
const stageOptions = {
  'on-invalid': {
    value: 'report|fail|drop|FILE',
    help: 'What becomes of a line that is no valid event: report it on stderr and end with exit code 1 after the last line (default), fail at the first, drop it (they are counted), or append it to FILE with its number and the reason (./drop is a FILE).',
  },
  status: { help: 'Write status events: what runs here at the start, what it counted at the end.' },
} satisfies Options;

/** Runs a command on this process's arguments and standard streams, and sets the exit code. */
export async function main(command: Command<never>, argv: readonly string[] = process.argv.slice(2)): Promise<void> {
  process.exitCode = await runCommand(command as unknown as Command<Options>, argv);
}

async function runCommand(command: Command<Options>, argv: readonly string[]): Promise<number> {
  const common = command.stage ? { ...stageOptions, ...manners } : manners;
  try {
    const table: Options = { ...command.options, ...common };
    const parsed = parseCommandLine(table, argv);
    if (parsed.given.help) return await print(help(command, common));
    if (parsed.given.version) return await print(`${command.name} (synpipe) ${version}\n`);
    if (!command.behind) parsed.rest.push(...(parsed.behind ?? []));
    checkArguments(command.args ?? [], parsed.rest);
    if (command.run) return await command.run(parsed);
    const { onInvalid: policy, status } = parsed.values as { onInvalid?: string; status?: true };
    for (const name of Object.keys(common)) delete parsed.given[name]; // the rest is the stage's own
    return await runStage(stageOf(command, parsed), policy ?? 'report', status ?? false);
  } catch (error) {
    return failed(command.name, error);
  }
}

/** Says what went wrong, and gives the exit code. */
function failed(name: string, error: unknown): number {
  if ((error as NodeJS.ErrnoException).code === 'EPIPE') return 0;
  if (!(error instanceof UsageError || error instanceof RuntimeError)) throw error;
  say(name, error.message);
  return error instanceof UsageError ? 2 : 1;
}

function checkArguments(wanted: readonly string[], given: readonly string[]): void {
  const missing = wanted[given.length];
  if (missing !== undefined) throw new UsageError(`wants ${missing}; see --help`);
  if (given.length > wanted.length) throw new UsageError(`unexpected argument "${given[wanted.length]}"; see --help`);
}

function stageOf(command: Command<Options>, parsed: Parsed<Options>): Stage {
  const stage = command.stage?.(parsed);
  if (!stage) throw new Error(`${command.name} is neither a stage nor a command of its own`);
  return stage;
}

async function runStage(stage: Stage, choice: string, status: boolean): Promise<number> {
  const policy = onInvalid(choice, stage.name);
  const reader = new FdReader(0);
  const ledger = new Ledger();
  const reopen =
    stage.reopen && (() => void Promise.resolve(stage.reopen?.()).catch((error) => say(stage.name, error.message)));
  const asked = stage.asked?.bind(stage);
  const signals = new Signals(isPipe(0), () => reader.leave(), reopen, stage.stop?.bind(stage), asked);
  const input = {
    read: async (into: Buffer) => {
      try {
        const bytes = await reader.read(into);
        signals.came();
        if (bytes === 0) signals.ended();
        return bytes;
      } catch (error) {
        throw new RuntimeError(`cannot read standard input: ${cause(error)}; ${remedy(error)}`);
      }
    },
  };
  try {
    for await (const bytes of drive(stage, input, policy, ledger, status)) await writeOut(bytes);
    return ledger.invalid > 0 && policy.end(ledger.invalid, ledger.in) ? 1 : 0;
  } catch (error) {
    return failed(stage.name, error);
  } finally {
    signals.done();
    if (signals.stopped && !(stage.stop && (await reader.release()))) signals.die();
  }
}

async function writeOut(bytes: Buffer): Promise<void> {
  try {
    await writeAll(1, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') throw error;
    const { written } = error as { written: number };
    const lost = counted(countLines(bytes.subarray(written)));
    throw new RuntimeError(`cannot write standard output: ${cause(error)}, ${lost} not written; ${remedy(error)}`);
  }
}

async function print(text: string): Promise<number> {
  await writeAll(1, Buffer.from(text));
  return 0;
}
