import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Command, defineCommand, type Entry } from '../command/command.js';
import { filesOf, parseCommand, prepareStage, runCommand } from '../command/main.js';
import { nearest } from '../command/nearest.js';
import type { Options, Parsed } from '../command/options.js';
import { pipelineWords } from '../command/words.js';
import { fromChunks } from '../io/chunks.js';
import { dist } from '../io/dist.js';
import type { Source } from '../io/source.js';
import { exitStatus, spawned } from '../io/spawned.js';
import { stdin } from '../io/stdin.js';
import { UsageError } from '../messages/errors.js';
import { exitCode } from '../messages/exit-code.js';
import { type MetricsAt, metricsOption } from '../metrics/metrics.js';
import { type PreparedStage, runStages } from './run-stages.js';

interface Element {
  command: Command<Options>;
  argv: string[];
}

/** The command `synpipe run PIPELINE`: runs the stages of a pipeline in one process. */
export function run(commands: Record<string, Entry>) {
  return defineCommand({
    name: 'synpipe run',
    summary: 'runs a pipeline of these commands in one process',
    usage: '[OPTION]… PIPELINE',
    examples: [
      ["sudo synpipe run 'collector | filter --dport 443 | sink-file out.ndjson'", 'keep attempts to port 443'],
      ["synpipe run 'filter --failed events.ndjson | sink-table'", 'show failed attempts from a file'],
    ],
    args: ['PIPELINE'],
    instead: { '': "write the pipeline as one argument, in quotes: 'A | B'" },
    options: {
      metrics: {
        ...metricsOption,
        help: `${metricsOption.help} This applies to all stages that do not have --metrics themselves. A collector is a separate process and needs its own.`,
      },
    },
    notes: `PIPELINE is one argument in shell syntax: words, quotes, backslashes and |, with synpipe commands only. It does the same
as that pipeline in a shell, but lines pass from stage to stage without being parsed again. A command that is not a
stage, such as collector, must come first and runs as a separate process. The exit code is that of the last command that
failed. If any command line is wrong, nothing runs.`,
    run: ({ rest: [text = ''], values: { metrics } }) => runPipeline(commands, text, metrics),
  });
}

/** Runs a pipeline in shell syntax. Resolves to its exit code. Throws UsageError if the text is wrong. */
export async function runPipeline(commands: Record<string, Entry>, text: string, metrics?: MetricsAt): Promise<number> {
  const elements = await Promise.all(
    pipelineWords(text).map(async ([name = '', ...argv]): Promise<Element> => {
      const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
      if (!entry) throw new UsageError(unknown(name, Object.keys(commands)));
      return { command: (await entry.load()) as unknown as Command<Options>, argv };
    }),
  );
  const [first] = elements as [Element];
  if (elements.length > 1 || (metrics && !first.command.run)) return runElements(elements, metrics);
  if (metrics) throw new UsageError(`--metrics is only for stages; pass it to ${first.command.name} instead`);
  return runCommand(first.command, first.argv);
}

function unknown(name: string, names: string[]): string {
  return `unknown command "${name}"; ${nearest(name, names) ?? 'see synpipe --help'}`;
}

async function runElements(elements: Element[], metrics: MetricsAt | undefined): Promise<number> {
  const ready: PreparedStage[] = [];
  let from: Source | undefined;
  let wrong = 0;
  for (const [at, { command, argv }] of elements.entries()) {
    try {
      const parsed = check(command, argv);
      if (at > 0 && !command.stage) throw new UsageError('does not read events; it can only come first');
      if (at > 0 && filesOf(command, parsed).length > 0)
        throw new UsageError('only the first command of a pipeline reads files; name them there');
      if (command.run) continue;
      const { source, ...stage } = prepareStage(command, parsed);
      from ??= source;
      ready.push({ ...stage, metrics: stage.metrics ?? metrics });
    } catch (error) {
      wrong = exitCode(command.name, error); // report all wrong command lines, as a shell does
    }
  }
  if (wrong > 0) return wrong;
  const [first] = elements as [Element];
  return first.command.run ? runAfterProcess(first, ready) : runStages(ready, from ?? stdin());
}

function check(command: Command<Options>, argv: string[]): Parsed<Options> {
  const prepared = parseCommand(command, argv);
  if ('text' in prepared) throw new UsageError('--help and --version do not work in a pipeline; run it on its own');
  return prepared.parsed;
}

/** Runs stages after a command that needs its own process: it has other privileges, and writes from native code. */
async function runAfterProcess({ command, argv }: Element, stages: PreparedStage[]): Promise<number> {
  const path = fileURLToPath(new URL(`bin/${command.name}`, dist));
  const child = await spawned(process.execPath, [path, ...argv], { stdio: ['inherit', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const end = () => void child.kill('SIGTERM'); // it gets Ctrl-C from the terminal
  process.on('SIGTERM', end);
  try {
    const code = await runStages(stages, outputOf(child));
    if (child.stdout?.readableEnded !== true) return code; // the stages stopped reading: the child did not fail
    const [own, signal] = await ended;
    return code || exitStatus(own, signal);
  } finally {
    process.off('SIGTERM', end);
    child.stdout?.destroy();
    child.kill();
  }
}

function outputOf(child: ChildProcess): Source {
  const chunks = fromChunks((child.stdout as AsyncIterable<Buffer>)[Symbol.asyncIterator]());
  return { ...chunks, piped: true, release: async () => true }; // no thread is blocked
}
