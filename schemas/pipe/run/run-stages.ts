import { writeOutput } from '../command/print.js';
import { checkOutput } from '../io/closed-output.js';
import { counted, countLines } from '../io/fd.js';
import type { Input, Place } from '../io/input.js';
import { commandsAfter } from '../io/readers.js';
import type { Source } from '../io/source.js';
import { exitCode } from '../messages/exit-code.js';
import { logMessage } from '../messages/log.js';
import { measure } from '../metrics/measure.js';
import type { MetricsAt } from '../metrics/metrics.js';
import { droppedDnsReporter } from '../stage/dropped-dns.js';
import { type InvalidPolicy, onInvalid } from '../stage/invalid.js';
import { Ledger } from '../stage/ledger.js';
import type { Control, Stage } from '../stage/stage.js';
import type { StageConfig } from '../stage/stage-config.js';
import { PipelineRunner } from './pipeline-runner.js';
import { showProgress } from './progress.js';
import { type SignalHandlers, Signals } from './signals.js';

/** A stage, and how its command line says to run it. */
export interface PreparedStage {
  stage: Stage;
  /** `--on-invalid` */
  invalid: string;
  /** `--lenient` */
  lenient?: boolean;
  /** `--status` */
  status: boolean;
  /** `--progress` */
  progress: boolean;
  /** `--metrics` */
  metrics: MetricsAt | undefined;
}

/**
 * Runs stages from a source to standard output, as a shell would run their commands. Resolves to the exit code: that of the
 * last stage that failed, as with `set -o pipefail`.
 */
export async function runStages(stages: readonly PreparedStage[], source: Source): Promise<number> {
  if (!stages.at(-1)?.stage.traits?.sink) checkOutput();
  let isChecked = false;
  const codes = stages.map(() => 0);
  let succeeded = true;
  const policies = new Map<StageConfig, InvalidPolicy>(); // of the stages that have not failed
  const configs = stages.map(({ stage, invalid, lenient = false, status }, at): StageConfig => {
    const config: StageConfig = {
      stage,
      ledger: new Ledger(),
      status,
      lenient,
      dnsDropped: droppedDnsReporter(
        stage.name,
        stages.slice(at + 1).map(({ stage }) => stage.name),
        commandsAfter,
      ),
      policy: () => {
        const policy = onInvalid(invalid, stage.name, at === 0 ? placeIn(source) : undefined);
        policies.set(config, policy);
        return policy;
      },
      failed: (error) => {
        succeeded = false;
        policies.delete(config);
        codes[at] = exitCode(stage.name, error);
      },
    };
    return config;
  });
  const places = stages.map(({ metrics }) => metrics);
  const meter = places.some((place) => place) ? await measure(configs, places, source) : undefined;
  const on = handlers(
    stages.map(({ stage }) => stage),
    source,
  );
  const signals = new Signals(source.piped, on);
  if (source.typed)
    logMessage(
      stages[0]?.stage.name ?? '',
      'reads events from this terminal; use a pipe (… |) or a file (< FILE) instead, or press Ctrl-D to end',
    );
  const progress = showProgress(
    stages[0]?.stage.name as string,
    stages.some(({ progress }) => progress),
    source,
    configs.map(({ ledger }) => ledger),
  );
  const came = (into: Buffer, bytes: number) => {
    signals.came();
    if (bytes === 0) signals.ended();
    if (bytes > 0) progress?.came(into.subarray(0, bytes));
    else progress?.end();
    if (bytes > 0) meter?.came(into.subarray(0, bytes));
    return bytes;
  };
  const input: Input = {
    get isFile() {
      return source.isFile === true;
    },
    read: async (into, lines) => came(into, await source.read(into, lines)),
    now(into) {
      const bytes = source.now?.(into);
      return bytes === undefined ? undefined : came(into, bytes);
    },
    ...(source.released && { released: (reads: number) => source.released?.(reads) }),
  };
  try {
    const write = async (bytes: Buffer) => {
      progress?.writes();
      if (!isChecked) checkOutput(); // for a sink, which may write nothing
      isChecked = true;
      return writeOutput(bytes, notWritten);
    };
    await new PipelineRunner(configs, input, write).run();
    for (const [at, config] of configs.entries()) {
      const { invalid, in: lines } = config.ledger;
      if (invalid > 0 && policies.get(config)?.end(invalid, lines)) codes[at] = 1;
    }
  } catch (error) {
    succeeded = false;
    codes[stages.length - 1] = exitCode(stages.at(-1)?.stage.name as string, error);
  } finally {
    if (!succeeded) source.leave(); // a stage may have failed while a read waits
    await source.end?.(succeeded);
    progress?.end();
    await meter?.close();
    signals.done();
    if (signals.stopped && !(on.stop && (await source.release()))) signals.die();
    if (!succeeded) await source.release();
  }
  codes[0] = Math.max(codes[0] ?? 0, source.exitCode ?? 0);
  return codes.findLast((code) => code > 0) ?? 0;
}

/** Returns a function that finds the place of a line in the input. */
function placeIn(source: Source): ((line: number) => Place) | undefined {
  return source.place && ((line) => source.place?.(line) as Place);
}

/** Returns what a signal makes the source and the stages do. */
function handlers(stages: readonly Stage[], source: Source): SignalHandlers {
  const having = (what: keyof Control) => stages.filter(({ control }) => control?.[what]);
  const [reopening, stopping] = [having('reopen'), having('stop')];
  const asking = [source, ...stages.map(({ control }) => control)].filter((one) => one?.asked);
  const reopen = async ({ name, control }: Stage) => {
    try {
      await control?.reopen?.();
    } catch (error) {
      logMessage(name, (error as Error).message);
    }
  };
  return {
    leave: () => source.leave(),
    reopen: reopening.length > 0 && (() => void reopening.map(reopen)),
    stop: stopping.length > 0 && (() => Math.max(...stopping.map(({ control }) => control?.stop?.() ?? 0))),
    asked: asking.length > 0 && (() => void asking.map((one) => one?.asked?.())),
  };
}

const notWritten = (bytes: Buffer) => `, ${counted(countLines(bytes))} not written`;
