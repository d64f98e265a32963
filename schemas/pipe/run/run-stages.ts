import { checkOutput } from '../io/closed-output.js';
import { counted, countLines, writeAll } from '../io/fd.js';
import type { Input } from '../io/input.js';
import { commandsAfter } from '../io/readers.js';
import type { Source } from '../io/source.js';
import { cause, RuntimeError, remedy } from '../messages/errors.js';
import { exitCode } from '../messages/exit-code.js';
import { logMessage } from '../messages/log.js';
import { measure } from '../metrics/measure.js';
import type { MetricsAt } from '../metrics/metrics.js';
import { dnsEndReporter } from '../stage/dns-end.js';
import { type InvalidPolicy, onInvalid } from '../stage/invalid.js';
import { Ledger } from '../stage/ledger.js';
import type { Stage } from '../stage/stage.js';
import type { StageConfig } from '../stage/stage-config.js';
import { PipelineRunner } from './pipeline-runner.js';
import { showProgress } from './progress.js';
import { Signals } from './signals.js';

/** A stage, and how its command line says to run it. */
export interface PreparedStage {
  stage: Stage;
  /** `--on-invalid` */
  invalid: string;
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
  if (!stages.at(-1)?.stage.sink) checkOutput();
  let isChecked = false;
  const codes = stages.map(() => 0);
  let succeeded = true;
  const policies = new Map<StageConfig, InvalidPolicy>(); // of the stages that have not failed
  const configs = stages.map(({ stage, invalid, status }, at): StageConfig => {
    const config: StageConfig = {
      stage,
      ledger: new Ledger(),
      status,
      dnsEnded: dnsEndReporter(
        stage.name,
        stages.slice(at + 1).map(({ stage }) => stage.name),
        commandsAfter,
      ),
      policy: () => {
        const policy = onInvalid(invalid, stage.name);
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
  const stop = stopper(stages);
  const signals = new Signals(
    source.piped,
    () => source.leave(),
    reopener(stages),
    stop,
    stopRequester(stages, source),
  );
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
    isFile: source.isFile === true,
    read: async (into) => came(into, await source.read(into)),
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
      return writeOut(bytes);
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
    await source.end?.(succeeded);
    progress?.end();
    await meter?.close();
    signals.done();
    if (signals.stopped && !(stop && (await source.release()))) signals.die();
  }
  return codes.findLast((code) => code > 0) ?? 0;
}

function reopener(stages: readonly PreparedStage[]): (() => void) | undefined {
  const reopening = stages.map(({ stage }) => stage).filter((stage) => stage.reopen);
  if (reopening.length === 0) return undefined;
  return () => {
    for (const stage of reopening) {
      new Promise((resolve) => resolve(stage.reopen?.())).catch((error) => logMessage(stage.name, error.message));
    }
  };
}

/** Returns a function that stops the stages that have a `stop`. It returns how long that may take (ms). */
function stopper(stages: readonly PreparedStage[]): (() => number) | undefined {
  const stopping = stages.map(({ stage }) => stage).filter((stage) => stage.stop);
  return stopping.length > 0 ? () => Math.max(...stopping.map((stage) => stage.stop?.() ?? 0)) : undefined;
}

function stopRequester(stages: readonly PreparedStage[], source: Source): (() => void) | undefined {
  const asking = [source, ...stages.map(({ stage }) => stage)].filter((one) => one.asked);
  if (asking.length === 0) return undefined;
  return () => {
    for (const one of asking) one.asked?.();
  };
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
