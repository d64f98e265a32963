import type { Line } from '../line/line.js';
import { CompiledFilter, type Condition } from '../scan/compiled-filter.js';
import type { ScannedLines } from '../scan/scanned-lines.js';
import type { Output, Stage } from './stage.js';

/** A test of lines. It is faster if its condition can be compiled. */
export interface LineTest {
  (line: Line): boolean;
  readonly condition?: Condition | undefined;
}

/** Takes the verdicts of a selection. */
export type Verdicts = Pick<Output, 'pass' | 'drop'>;

/** A stage that only selects lines. */
export interface Selection extends Stage {
  readonly batch?: SelectionBatch | undefined;
  line(line: Line, out: Verdicts): void;
}

interface SelectionBatch {
  lines(lines: ScannedLines, out: Verdicts): number;
  readonly hasDroppedDns: boolean;
  /** Whether it has had a line of this type. */
  saw(type: string): boolean;
}

/** Makes a stage that drops lines of these types that `keep` rejects, and all lines of the types in `drops`. */
export function select(
  name: string,
  types: readonly string[],
  keep: LineTest,
  options: Record<string, unknown>,
  drops: readonly string[] = [],
): Selection {
  return {
    name,
    types,
    traits: { drops, options },
    batch: keep.condition && new CompiledFilter(types, keep.condition, drops),
    line: (line, out) => (keep(line) ? out.pass(line) : out.drop()),
  };
}

const always: LineTest = Object.assign(() => true, { condition: { is: 'and', of: [] } as const });

/** Makes a stage that passes all lines. Like every stage, it checks that they are valid. */
export function passAll(name: string, options: Record<string, unknown> = {}): Stage {
  return select(name, [], always, options);
}
