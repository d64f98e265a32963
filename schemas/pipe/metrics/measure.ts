import { InputStats } from '../io/input-stats.js';
import type { Source } from '../io/source.js';
import type { StageConfig } from '../stage/stage-config.js';
import { inputMetrics, metricsOf } from './families.js';
import { type MetricsAt, openMetrics } from './metrics.js';

/** Measures the stages of a process while they run. */
export interface Meter {
  /** Counts bytes that were read. */
  came(bytes: Buffer): void;
  close(): Promise<void>;
}

/** Opens the metrics of each stage at its place in `at`. Stages with the same place share it. Throws RuntimeError. */
export async function measure(
  configs: readonly StageConfig[],
  at: readonly (MetricsAt | undefined)[],
  source: Source,
): Promise<Meter> {
  const seen = new InputStats();
  const read = (place: number) => {
    const { stage, ledger } = configs[place] as StageConfig;
    const { observe } = stage;
    const first = place === 0;
    const undone = ledger.in - ledger.out - ledger.filtered - ledger.lost; // for a sink, which never merges events
    const held = (observe?.held?.() ?? (stage.traits?.sink ? undone : 0)) + ((first && source.held?.()) || 0);
    const more = [...(observe?.metrics?.() ?? []), ...(first ? inputMetrics(seen) : [])];
    return metricsOf({ command: stage.name, stage: place + 1, ledger, held, heldBytes: observe?.heldBytes?.(), more });
  };
  const open: { close(): Promise<void> }[] = [];
  const close = async () => {
    await Promise.all(open.map((one) => one.close()));
  };
  try {
    for (const text of new Set(at.map((one) => one?.text))) {
      const places = [...configs.keys()].filter((place) => at[place]?.text === text);
      const [first = 0] = places;
      const where = at[first];
      if (where) open.push(await openMetrics(where, configs[first]?.stage.name as string, () => places.flatMap(read)));
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { came: (bytes) => seen.add(bytes), close };
}
