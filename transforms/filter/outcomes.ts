import { attemptTypes, connectionTypes } from '../../schemas/attempts.js';
import { logMessage } from '../../schemas/pipe/messages/log.js';
import type { Selection } from '../../schemas/pipe/stage/select.js';
import type { Stage } from '../../schemas/pipe/stage/stage.js';

/** Options of filter that only an outcome can answer. */
export const outcomeOptions = ['failed', 'result', 'latency-over'];

/**
 * Returns the stage, which now also logs a message at the end if the input had attempts but no outcomes. The message names
 * the options that tested outcomes: `options`, or, if the input had pending events, only `required`, which no pending event
 * can satisfy.
 */
export function reportMissingOutcomes(
  stage: Selection,
  types: readonly string[],
  options: readonly string[],
  required: readonly string[],
): Stage {
  const tested = new Set<string>();
  return {
    ...stage,
    line(line, out) {
      tested.add(line.type);
      return stage.line(line, out);
    },
    finish(out) {
      stage.finish?.(out);
      const attempts = attemptTypes.filter((type) => types.includes(type) && !connectionTypes.includes(type));
      const seen = attempts.filter((type) => tested.has(type) || stage.batch?.saw(type));
      if (seen.length === 0 || seen.includes('outcome')) return false;
      const pending = seen.includes('pending');
      const names = pending ? required : options;
      if (names.length === 0) return false;
      const advice = pending
        ? 'use --pending for attempts that have not ended'
        : 'run collector without --report attempt';
      const shown = names.map((name) => `--${name}`).join(' and ');
      logMessage(stage.name, `${shown} found no outcome events, only ${seen.join(' and ')} events; ${advice}`);
      return false;
    },
  };
}
