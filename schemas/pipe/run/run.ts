import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Command, defineCommand, type Entry } from '../command/command.js';
import { parseCommand, prepareStage, runCommand } from '../command/main.js';
import { nearest, type Options, type Parsed } from '../command/options.js';
import { pipelineWords } from '../command/words.js';
import { fromChunks } from '../io/chunks.js';
import { type Source, stdin } from '../io/source.js';
import { spawned } from '../io/spawned.js';
import { UsageError } from '../messages/errors.js';
import { exitCode } from '../messages/exit-code.js';
import { type MetricsAt, metricsOption } from '../metrics/metrics.js';
import { type PreparedStage, runStages } from './run-stages.js';

interface Element {
  command: Command<Options>;
  argv: string[];
}

/** `synpipe run PIPELINE`: the pipeline's stages in this one process. */
export function run(commands: Record<string, Entry>) {
  return defineCommand({
    name: 'synpipe run',
    summary: 'runs a pipeline of these commands in one process',
    usage: '[OPTION]… PIPELINE',
    examples: [
      ["sudo synpipe run 'collector | filter --dport 443 | sink-file out.ndjson'", 'keep what goes to port 443'],
      ["synpipe run 'validate | filter --failed' < events.ndjson", 'what failed, from a file'],
    ],
    args: ['PIPELINE'],
    options: {
      metrics: {
        ...metricsOption,
        help: `${metricsOption.help} Of all stages but those with one of their own; a collector, which is another process, wants its own.`,
      },
    },
    notes: `PIPELINE is one argument, written as for a shell: words, quotes, backslashes and |, and commands of synpipe only.
It prints and does what the shell's pipeline would; a line goes from stage to stage without being read again. A command
that is no stage, such as collector, comes first and is a process of its own. The exit code is that of the last command
that failed. Where a command line is wrong, nothing runs.`,
    run: ({ rest: [text = ''], values: { metrics } }) => runPipeline(commands, text, metrics),
  });
}

/** Runs a pipeline, written as for a shell. Resolves to its exit code. Throws UsageError where the text is wrong. */
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
  if (metrics) throw new UsageError(`--metrics is for stages; give it to ${first.command.name} itself`);
  return runCommand(first.command, first.argv);
}

function unknown(name: string, names: string[]): string {
  return `there is no command "${name}"; ${nearest(name, names) ?? 'see synpipe --help'}`;
}

async function runElements(elements: Element[], metrics: MetricsAt | undefined): Promise<number> {
  const ready: PreparedStage[] = [];
  let from: Source | undefined;
  let wrong = 0;
  for (const [at, { command, argv }] of elements.entries()) {
    try {
      const parsed = check(command, argv);
      if (at > 0 && !command.stage) throw new UsageError('reads no events; it can only come first');
      if (command.run) continue;
      const { source, ...stage } = prepareStage(command, parsed);
      from ??= source;
      ready.push({ ...stage, metrics: stage.metrics ?? metrics });
    } catch (error) {
      wrong = exitCode(command.name, error); // the shell tells of them all
    }
  }
  if (wrong > 0) return wrong;
  const [first] = elements as [Element];
  return first.command.run ? behind(first, ready) : runStages(ready, from ?? stdin());
}

function check(command: Command<Options>, argv: string[]): Parsed<Options> {
  const prepared = parseCommand(command, argv);
  if ('text' in prepared) throw new UsageError('prints no events that way; leave out the others');
  return prepared.parsed;
}

/** Runs stages behind a command that is a process of its own: it has its own rights, and writes from native code. */
async function behind({ command, argv }: Element, stages: PreparedStage[]): Promise<number> {
  const path = fileURLToPath(new URL(`../../../bin/${command.name}`, import.meta.url));
  const child = await spawned(process.execPath, [path, ...argv], { stdio: ['inherit', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const end = () => void child.kill('SIGTERM'); // Ctrl-C it gets from the terminal
  process.on('SIGTERM', end);
  try {
    const code = await runStages(stages, outputOf(child));
    if (child.stdout?.readableEnded !== true) return code; // its reader has gone: that is no failure of its own
    const [own, signal] = await ended;
    return code || (own ?? 128 + constants.signals[signal as NodeJS.Signals]);
  } finally {
    process.off('SIGTERM', end);
    child.stdout?.destroy();
    child.kill();
  }
}

function outputOf(child: ChildProcess): Source {
  const chunks = fromChunks((child.stdout as AsyncIterable<Buffer>)[Symbol.asyncIterator]());
  let left = false;
  let leave = () => {};
  return {
    piped: true,
    leave() {
      left = true;
      leave();
    },
    release: async () => true, // no thread is blocked
    read: (into) =>
      new Promise((resolve, reject) => {
        leave = () => resolve(-1);
        if (left) leave();
        else chunks.read(into).then(resolve, reject);
      }),
  };
}
