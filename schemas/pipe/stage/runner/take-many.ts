import type { CompiledFilter } from '../../scan/compiled-filter.js';
import { unknownKind } from '../../scan/constants.js';
import type { ScannedLines } from '../../scan/scanned-lines.js';
import type { Downstream } from '../downstream.js';
import type { Output } from '../stage.js';
import type { StageConfig } from '../stage-config.js';
import type { StageState } from './stage-state.js';

/** Lets a stage take many scanned lines at once, if it can. Returns how many it took, counted from the first. */
export function takeMany(
  lines: ScannedLines,
  config: StageConfig,
  out: Output,
  state: StageState,
  next: Downstream,
): number {
  const { stage } = config;
  if (stage.compiledFilter) return filterLines(lines, stage.compiledFilter, config, state, next);
  if (!stage.lines || lines.line(0).kind === unknownKind) return 0;
  state.emitGap();
  return stage.lines(lines, out);
}

/** Filters in the scanner. If the scanner does not know an answer yet, it learns it, and continues. */
function filterLines(
  lines: ScannedLines,
  filter: CompiledFilter,
  { ledger }: StageConfig,
  state: StageState,
  next: Downstream,
): number {
  for (let done = 0; ; ) {
    const rest = lines.part(done, lines.count);
    const { asked, passed, question } = rest.filter(filter);
    if (asked > 0) state.emitGap();
    if (passed > 0) next.many(rest.part(0, passed));
    ledger.out += passed;
    ledger.filtered += asked - passed;
    if (filter.hasDroppedDns) state.dnsEnded();
    done += asked;
    if (question < 0 || !rest.learn(asked, filter, question)) return done;
  }
}
