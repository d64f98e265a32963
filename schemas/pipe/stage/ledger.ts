import type { Status } from '../../generated/events.js';
import { version } from '../../generated/version.js';

/** The counts of a stage. After a normal end of input, in = out + filtered + invalid. */
export class Ledger {
  in = 0;
  out = 0;
  filtered = 0;
  invalid = 0;
  lost = 0;
}

/** Returns a `status` event. */
export function status(stage: string, phase: 'start' | 'end', more: Partial<Status>): Status {
  const ts = new Date().toISOString().replace('Z', '000Z');
  return { type: 'status', v: 1, ts, stage, phase, version, ...more };
}
