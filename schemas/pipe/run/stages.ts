import { checkOutput } from '../io/closed-output.js';
import { counted, countLines, writeAll } from '../io/fd.js';
import { commandsAfter } from '../io/readers.js';
import type { Source } from '../io/source.js';
import { cause, RuntimeError, remedy } from '../messages/errors.js';
import { exitCode, say } from '../messages/say.js';
import { measure } from '../metrics/measure.js';
import type { MetricsAt } from '../metrics/metrics.js';
import { type InvalidPolicy, onInvalid } from '../stage/invalid.js';
import { Ledger } from '../stage/ledger.js';
import { lostNames } from '../stage/lost-names.js';
import type { Stage } from '../stage/stage.js';
import type { Part } from '../stage/target.js';
import { Flow, type Input } from './flow.js';
import { showProgress } from './progress.js';
import { Signals } from './signals.js';

/** A stage, and what its command line says of how it is to run. */
export interface Ready {
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
 * Runs stages from a source to this process's standard output, as a shell would run their commands. Resolves to the exit
 * code: that of the last one that failed, as with `set -o pipefail`.
 */
export async function runStages(stages: readonly Ready[], source: Source): Promise<number> {
  if (!stages.at(-1)?.stage.sink) checkOutput();
  let isChecked = false;
  const codes = stages.map(() => 0);
  let well = true;
  const policies = new Map<Part, InvalidPolicy>(); // of the stages that go on
  const parts = stages.map(({ stage, invalid, status }, at): Part => {
    const part: Part = {
      stage,
      ledger: new Ledger(),
      status,
      namesEnded: lostNames(
        stage.name,
        stages.slice(at + 1).map(({ stage }) => stage.name),
        commandsAfter,
      ),
      policy: () => {
        const policy = onInvalid(invalid, stage.name);
        policies.set(part, policy);
        return policy;
      },
      failed: (error) => {
        well = false;
        policies.delete(part);
        codes[at] = exitCode(stage.name, error);
      },
    };
    return part;
  });
  const places = stages.map(({ metrics }) => metrics);
  const meter = places.some((place) => place) ? await measure(parts, places, source) : undefined;
  const stop = stopper(stages);
  const signals = new Signals(source.piped, () => source.leave(), reopener(stages), stop, asker(stages, source));
  if (source.typed)
    say(
      stages[0]?.stage.name ?? '',
      'reads events from this terminal; write … | in front or < FILE behind, or end it with Ctrl-D',
    );
  const progress = showProgress(
    stages[0]?.stage.name as string,
    stages.some(({ progress }) => progress),
    source,
    parts.map(({ ledger }) => ledger),
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
      if (!isChecked) checkOutput(); // of a sink, which may have something to write
      isChecked = true;
      return writeOut(bytes);
    };
    await new Flow(parts, input, write).run();
    for (const [at, part] of parts.entries()) {
      const { invalid, in: lines } = part.ledger;
      if (invalid > 0 && policies.get(part)?.end(invalid, lines)) codes[at] = 1;
    }
  } catch (error) {
    well = false;
    codes[stages.length - 1] = exitCode(stages.at(-1)?.stage.name as string, error);
  } finally {
    await source.end?.(well);
    progress?.end();
    await meter?.close();
    signals.done();
    if (signals.stopped && !(stop && (await source.release()))) signals.die();
  }
  return codes.findLast((code) => code > 0) ?? 0;
}

function reopener(stages: readonly Ready[]): (() => void) | undefined {
  const reopening = stages.map(({ stage }) => stage).filter((stage) => stage.reopen);
  if (reopening.length === 0) return undefined;
  return () => {
    for (const stage of reopening) {
      new Promise((resolve) => resolve(stage.reopen?.())).catch((error) => say(stage.name, error.message));
    }
  };
}

/** Ends the stages that can by their own means. Returns how long that may take (ms). */
function stopper(stages: readonly Ready[]): (() => number) | undefined {
  const stopping = stages.map(({ stage }) => stage).filter((stage) => stage.stop);
  return stopping.length > 0 ? () => Math.max(...stopping.map((stage) => stage.stop?.() ?? 0)) : undefined;
}

function asker(stages: readonly Ready[], source: Source): (() => void) | undefined {
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
