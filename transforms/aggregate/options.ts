import { integer, type Options, oneOf, type Parsed } from '../../schemas/pipe/command/options.js';
import { noLock } from '../../schemas/pipe/io/lock.js';
import { UsageError } from '../../schemas/pipe/messages/errors.js';
import { fieldsIn, where } from '../../schemas/where/where.js';
import { typeOptions } from '../filter/types.js';
import { type Field, fieldNames, fields } from './key.js';
import { measures, usual } from './measure.js';
import { orderBy } from './order.js';
import { duration, durationText, interval } from './time.js';
import { reserved } from './write.js';

export const usualGrace = 1e6;
export const usualGroups = 1_000_000;

export const options = {
  ...typeOptions,
  by: {
    value: 'FIELDS',
    parse: groupBy,
    words: fieldNames,
    help: 'What makes a group: a list of fields of the events. dest is the name of the destination, or its address if it has none. daddr/24 takes addresses by network, 64 bits of IPv6 ones (or daddr/24/48), ts:1m the time in steps. All events are one group, if left out.',
  },
  every: {
    value: 'TIME',
    parse: interval,
    help: "Windows of this length by the events' own time: 10s, 1m. One window to the end of input, if left out.",
  },
  step: {
    value: 'TIME',
    parse: interval,
    help: 'A window begins each TIME, so that they overlap. --every must be a multiple of it.',
  },
  grace: {
    value: 'TIME',
    parse: duration,
    help: 'How long after its end a window stays open for late events (default 1s). Later ones are counted and told as lost.',
  },
  measure: {
    value: 'MEASURES',
    parse: measures,
    help: `What is told of a group: a list of count, failed, result, latency, rate, first, last, distinct:FIELD (default ${usual}).`,
  },
  count: {
    value: 'connect|outcome',
    parse: oneOf('connect', 'outcome'),
    help: 'Which events are the attempts. By default connect events once one was seen, outcome events before: right for each --report of one collector.',
  },
  top: {
    value: 'K',
    parse: integer(1, 10_000_000),
    help: 'Tell only the first K groups of a window, and the sum of the others as one group `other`.',
  },
  'order-by': {
    value: 'FIELD',
    parse: orderBy,
    help: "Order a window's groups by a field of the summaries, largest first; FIELD:asc smallest first. With --top: count, if left out.",
  },
  'max-groups': {
    value: 'N',
    parse: integer(1, 10_000_000),
    help: `Keep the N largest groups of a window (default ${usualGroups}); what is left over is counted as one group \`other\`.`,
  },
  having: {
    value: 'EXPRESSION',
    parse: (text: string) => ({ holds: where(text, ['summary']), fields: fieldsIn(text) }),
    help: 'Tell only the groups for which this holds: as --where of filter, with the fields of the summaries. The others are counted as `other`.',
  },
  'new-only': {
    help: 'Pass the first event of each group that was never seen before, in this run or earlier ones, and nothing else. That can be a pending event.',
  },
  state: { value: 'FILE', help: 'Where --new-only keeps what was seen. One process at a time.' },
  expire: { value: 'TIME', parse: interval, help: 'With --new-only, forget a group that was not seen for TIME.' },
  'no-lock': noLock,
} satisfies Options;

function groupBy(text: string): Field[] {
  const all = fields(text);
  const bad = all.find(({ name }) => reserved.includes(name) || name.startsWith('distinct_'));
  if (bad) throw new UsageError(`cannot have ${bad.name}, which means something else in a summary`);
  return all;
}

/** What is counted. */
export type Subject = 'attempts' | 'dns';

/** Returns what these event types make aggregate count. Throws UsageError if an option is about something else. */
export function subjectOf(types: readonly string[], { count, measure }: Parsed<typeof options>['values']): Subject {
  if (!types.includes('dns')) return 'attempts';
  if (types.length > 1)
    throw new UsageError('--type dns counts look-ups, not attempts; use another aggregate for these');
  if (count) throw new UsageError('--count is about attempts; leave it out with --type dns');
  if (measure?.includes('result')) throw new UsageError('--measure result is about attempts; write --by error');
  return 'dns';
}

/** Throws UsageError where options contradict each other. */
export function check({ every, step, grace }: Parsed<typeof options>['values'], by: readonly Field[]): void {
  if (step !== undefined && every === undefined) throw new UsageError('--step wants --every');
  if (grace !== undefined && every === undefined) throw new UsageError('--grace wants --every');
  if (every !== undefined && step !== undefined && every % step !== 0) {
    throw new UsageError(`--every ${durationText(every)} must be a multiple of --step ${durationText(step)}`);
  }
  const pane = step ?? every;
  const part = by.find(({ step }) => step > 0)?.step;
  if (pane !== undefined && part !== undefined && pane % part !== 0) {
    throw new UsageError(
      `--${step ? 'step' : 'every'} ${durationText(pane)} must be a multiple of the step in ts:${durationText(part)}`,
    );
  }
}
