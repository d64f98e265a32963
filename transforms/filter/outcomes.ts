import { attemptTypes } from '../../schemas/attempts.js';
import { logMessage } from '../../schemas/pipe/messages/log.js';
import type { Stage } from '../../schemas/pipe/stage/stage.js';

/** Options of filter that say something about outcomes. */
export const outcomeOptions = ['failed', 'result', 'latency-over'];

/**
 * The same stage, which at the end of an input that had attempts, but no outcome, reports on stderr that these options
 * could not do what they promise. `required` are those that only an outcome satisfies: attempts that still wait are
 * no answer to them either.
 */
export function reportingNoOutcomes(
  stage: Stage,
  types: readonly string[],
  options: readonly string[],
  required: readonly string[],
): Stage {
  const asked = new Set<string>();
  return {
    ...stage,
    keep(line) {
      asked.add(line.type);
      return stage.keep?.(line) ?? true;
    },
    finish() {
      const attempts = attemptTypes.filter((type) => types.includes(type));
      const seen = attempts.filter((type) => asked.has(type) || stage.compiledFilter?.saw(type));
      if (seen.length === 0 || seen.includes('outcome')) return false;
      const pending = seen.includes('pending');
      const names = pending ? required : options;
      if (names.length === 0) return false;
      const remedy = pending ? '--pending passes attempts that still wait' : 'run collector without --report attempt';
      const shown = names.map((name) => `--${name}`).join(' and ');
      logMessage(stage.name, `${shown} saw no outcome events, only ${seen.join(' and ')} events; ${remedy}`);
      return false;
    },
  };
}
