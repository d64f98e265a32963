import { integer, type Options, oneOf, type Parsed } from '../../schemas/pipe/command/options.js';
import { noLock } from '../../schemas/pipe/io/lock.js';
import { conflict, invalidValue, needs, UsageError } from '../../schemas/pipe/messages/errors.js';
import { fieldsIn, where } from '../../schemas/where/where.js';
import { typeOptions } from '../filter/types.js';
import { connectionMeasures } from './connections.js';
import { fieldNames, fields, type GroupField, knownFields } from './key.js';
import { defaultMeasures, measures, type Subject, simple } from './measure.js';
import { measureOf } from './measured.js';
import { orderBy } from './order.js';
import { duration, durationText, interval } from './time.js';
import { reserved } from './write.js';

export const defaultGrace = 1e6; // µs
export const defaultGroups = 1_000_000;

export const options = {
  ...typeOptions,
  by: {
    value: 'FIELDS',
    parse: groupBy,
    words: fieldNames,
    help: 'Group by these fields: a list. dest is the name of the destination, or its address if it has no name. daddr/24 groups addresses by network, with 64 bits for IPv6 (or daddr/24/48). ts:1m groups by time in steps of a minute. Default: all events are one group.',
  },
  every: {
    value: 'TIME',
    parse: interval,
    help: 'Length of a window in event time: 10s, 1m. Default: one window for the whole input.',
  },
  step: {
    value: 'TIME',
    parse: interval,
    help: 'Start a window every TIME, so that windows overlap. --every must be a multiple of it.',
  },
  grace: {
    value: 'TIME',
    parse: duration,
    help: 'How long a window stays open for late events after its end (default 1s). Later events are counted and reported as lost.',
  },
  measure: {
    value: 'MEASURES',
    parse: measures,
    help: `What to measure for each group: a list of ${simple.join(', ')}, distinct:FIELD (default ${defaultMeasures}). ${connectionMeasures.join(', ')} need closed events.`,
  },
  count: {
    value: 'connect|outcome',
    parse: oneOf('connect', 'outcome'),
    help: 'Which events to count as attempts. Default: outcome events, or connect events once the input has had one. Give it if the input comes from collectors with different --report.',
  },
  top: {
    value: 'K',
    parse: integer(1, 10_000_000),
    help: 'Write only the first K groups of a window, and the sum of the others as one group `other`.',
  },
  'order-by': {
    value: 'FIELD',
    parse: orderBy,
    help: 'Order the groups of a window by a field of the summaries, largest first, or smallest first with FIELD:asc. Default with --top: count.',
  },
  'max-groups': {
    value: 'N',
    parse: integer(1, 10_000_000),
    help: `Keep the N largest groups of a window (default ${defaultGroups}). The others are counted as one group \`other\`.`,
  },
  having: {
    value: 'EXPRESSION',
    parse: (text: string) => ({ holds: where(text, ['summary']), fields: fieldsIn(text) }),
    help: 'Write only the groups that match an expression over the fields of the summaries. The syntax is that of filter --where. The other groups are counted as `other`.',
  },
  'new-only': {
    help: 'Pass only the first event of each group that was never seen before, in this run or an earlier one. It can be a pending event.',
  },
  state: { value: 'FILE', help: 'File in which --new-only keeps the groups. Only one process at a time can use it.' },
  expire: { value: 'TIME', parse: interval, help: 'With --new-only, forget groups that were not seen for TIME.' },
  'no-lock': noLock,
} satisfies Options;

function groupBy(text: string): GroupField[] {
  const names = text.split(',').map((part) => part.trim());
  const measured = names.find((name) => simple.includes(name) && !fieldNames.includes(name));
  const all = measured ? fields(text) : knownFields(text);
  const bad = measured ?? all.find(({ name }) => reserved.includes(name) || name.startsWith('distinct_'))?.name;
  if (bad) {
    const { measure, field } = measureOf(bad) ?? {};
    const cause = `${bad} ${measure ? 'is not a field to group by' : 'has another meaning in a summary'}`;
    throw invalidValue(text, `${cause}; ${measure ? `use --measure ${measure} --order-by ${field}` : 'leave it out'}`);
  }
  return all;
}

/** Returns what to count for these event types. Throws invalidValue, UsageError if an option does not fit it. */
export function subjectOf(types: readonly string[], { count, measure }: Parsed<typeof options>['values']): Subject {
  if (!types.includes('dns')) return 'attempts';
  if (types.length > 1)
    throw new UsageError('--type dns counts look-ups, not attempts; use a second aggregate for attempts');
  if (count)
    throw conflict('--count', '--type dns', { reason: '--count is for attempts', remedy: 'leave out --count' });
  if (measure?.includes('result'))
    throw conflict('--measure result', '--type dns', { reason: 'look-ups have no result', remedy: 'use --by error' });
  const wrong = measure?.find((name) => connectionMeasures.includes(name));
  if (wrong)
    throw conflict(`--measure ${wrong}`, '--type dns', {
      reason: 'look-ups have no connection',
      remedy: 'leave it out',
    });
  return 'dns';
}

/** Throws invalidValue, UsageError if options contradict each other. */
export function check({ every, step, grace }: Parsed<typeof options>['values'], by: readonly GroupField[]): void {
  if (step !== undefined && every === undefined) throw needs('--step', '--every');
  if (grace !== undefined && every === undefined) throw needs('--grace', '--every');
  if (every !== undefined && step !== undefined && every % step !== 0) {
    throw new UsageError(`invalid --every ${durationText(every)}: use a multiple of --step ${durationText(step)}`);
  }
  const pane = step ?? every;
  const tsStep = by.find(({ step }) => step > 0)?.step;
  if (pane !== undefined && tsStep !== undefined && pane % tsStep !== 0) {
    throw new UsageError(
      `invalid --${step ? 'step' : 'every'} ${durationText(pane)}: use a multiple of the step in ts:${durationText(tsStep)}`,
    );
  }
}
