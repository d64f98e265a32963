import { canonical } from '../../line/canonical.js';
import type { Downstream } from '../downstream.js';
import type { Output } from '../stage.js';
import type { StageConfig } from '../stage-config.js';
import type { StageState } from './stage-state.js';

/** Makes the output of a stage: counts what it writes, and passes it directly to the next stage. */
export function output({ ledger }: StageConfig, state: StageState, next: Downstream, wake: () => void): Output {
  return {
    pass: (line) => {
      next.line(line);
      ledger.out++;
    },
    drop: (lines = 1) => {
      ledger.filtered += lines;
    },
    stored: (count) => {
      ledger.out += count;
    },
    event: (event) => {
      next.text(canonical(event));
      ledger.out++;
    },
    bytes: (buffer, start, end) => {
      next.bytes(buffer, start, end);
      ledger.out++;
    },
    extended: ({ buffer, start, end }, fields, from, to) => {
      next.extended(buffer, start, end, fields, from, to);
      ledger.out++;
    },
    lines: (buffer, start, end, lines) => {
      next.block(buffer, start, end, lines);
      ledger.out += lines;
    },
    lost: (where, count) => state.lost(where, count),
    text: (text) => next.text(text),
    wake,
    get full() {
      return next.full;
    },
  };
}
