import { UsageError } from '../../schemas/pipe/messages/errors.js';
import { fieldsOf } from '../../schemas/where/where.js';
import { criterionNames, fieldOf } from './criteria.js';

/** The field that each option needs, for the options that are not criteria. */
const fieldOfOption: Record<string, string> = {
  pending: 'waited_us',
  'exclude-loopback': 'daddr',
  'exclude-private': 'daddr',
};

/** Throws UsageError if an option tests a field or an error that no event of these types has. */
export function checkOptions(given: Readonly<Record<string, unknown>>, types: readonly string[]): void {
  const have = fieldsOf(types);
  for (const [name, value] of Object.entries(given)) {
    const plain = name.replace(/^not-/, '');
    const isCriterion = (criterionNames as string[]).includes(plain);
    const field = isCriterion ? fieldOf(plain as (typeof criterionNames)[number]) : fieldOfOption[plain];
    if (field !== undefined && !have.has(field))
      throw new UsageError(
        `--${name}: ${types.join(' and ')} events have no ${field}; remove the option or change --type`,
      );
    const error =
      plain === 'error' &&
      String(value)
        .split(',')
        .find((one) => !one.trim().startsWith('E'));
    if (error && !types.includes('dns'))
      throw new UsageError(`--${name}: no attempt ends with ${error}; add --type dns for look-up errors`);
  }
}
