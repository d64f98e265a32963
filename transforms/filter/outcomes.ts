import { attemptTypes } from '../../schemas/attempts.js';
import { logMessage } from '../../schemas/pipe/messages/log.js';
import type { Stage } from '../../schemas/pipe/stage/stage.js';

/** Options of filter that only an outcome can answer. */
export const outcomeOptions = ['failed', 'result', 'latency-over'];

/**
 * Returns the stage with a report: if the input had attempts but no outcomes, a message on stderr at the end says that
 * `options` had nothing to work on. If the input had pending events, only `required` are reported: the options that only
 * an outcome can satisfy.
 */
export function reportMissingOutcomes(
  stage: Stage,
  types: readonly string[],
  options: readonly string[],
  required: readonly string[],
): Stage {
  const tested = new Set<string>();
  return {
    ...stage,
    keep(line) {
      tested.add(line.type);
      return stage.keep?.(line) ?? true;
    },
    finish() {
      const attempts = attemptTypes.filter((type) => types.includes(type));
      const seen = attempts.filter((type) => tested.has(type) || stage.compiledFilter?.saw(type));
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
