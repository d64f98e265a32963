import { fieldKinds } from '../../schemas/generated/fields.js';
import { nearestField } from '../../schemas/pipe/command/nearest.js';
import { UsageError } from '../../schemas/pipe/messages/errors.js';
import { connectionMeasures } from './connections.js';
import { fieldNames } from './key.js';
import { Measures, type Subject, simple } from './measure.js';

const unmeasured = new Measures([]).names;
const fieldsOf = (measure: string) => new Measures([measure]).names.filter((name) => !unmeasured.includes(name));

/** Returns the measure that adds a field to the summaries, and the field. `word` is the name of the field or of a measure. */
export function measureOf(word: string, subject: Subject = 'attempts'): { measure: string; field: string } | undefined {
  if (unmeasured.includes(word)) return { measure: 'count', field: word };
  const [, distinct] = /^distinct_(\w+)$/.exec(word) ?? [];
  if (distinct) return { measure: `distinct:${distinct}`, field: word };
  const onlyAttempts = ['result', ...connectionMeasures];
  const possible = simple.filter((name) => subject === 'attempts' || !onlyAttempts.includes(name));
  const adding = possible.find((measure) => fieldsOf(measure).includes(word));
  if (adding) return { measure: adding, field: word };
  if (!possible.includes(word) || word === 'result') return undefined; // `result` is the field of the outcomes
  const fields = fieldsOf(word).filter((name) => name !== 'closed');
  return { measure: word, field: fields.find((name) => name.includes('_p99_')) ?? (fields[0] as string) };
}

/** Throws UsageError if no summary has the field that an option names. `names` are the fields of the summaries. */
export function checkField(
  option: string,
  name: string,
  names: readonly string[],
  given: readonly string[] = [],
  subject?: Subject,
): void {
  if (names.includes(name)) return;
  throw new UsageError(`${option} ${name}: summaries do not have this field; ${advice()}`);

  function advice(): string {
    const measured = measureOf(name, subject);
    if (measured) {
      const { measure, field } = measured;
      const all = [...new Set([...given, measure])].join(',');
      return `use --measure ${all}${option === '--having' ? '' : ` ${option} ${field}`}`;
    }
    if (measureOf(name)) return 'look-ups do not have it; leave it out';
    if (fieldNames.includes(name)) return 'add it to --by';
    const near = nearestField(name, [...names, ...Object.keys(fieldKinds.summary ?? {})]);
    return near ?? 'use count, or a field that --by or --measure adds';
  }
}
