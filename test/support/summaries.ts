/** Events drawn at random, an aggregate over them, and helpers to read its output. */
import fc from 'fast-check';
import { timeText } from '../../transforms/aggregate/time.js';
import { aggregate } from '../../transforms/aggregate.js';
import { connect } from './events.js';
import { runStage } from './memory.js';

export type Fields = Record<string, unknown>;
export type Event = Fields & { type: string; ts: string };

export const begin = Date.UTC(2026, 10, 23, 8) * 1000;
export const endings = [
  { result: 'established' },
  { result: 'refused', errno: 111, error: 'ECONNREFUSED' },
  { result: 'aborted' },
  { result: 'error', errno: 99, error: 'EADDRNOTAVAIL' },
];

/** An address may have several spellings: groups use the first. */
const spellings = [['2001:db8::7', '2001:DB8:0::7'], ['10.0.0.1', '::ffff:10.0.0.1'], ['10.0.0.200'], ['10.0.9.1']];
export const standard = new Map(spellings.flatMap((all) => all.map((one) => [one, all[0] as string])));

const event: fc.Arbitrary<Event> = fc
  .record({
    type: fc.constantFrom('connect', 'outcome', 'outcome'),
    us: fc.integer({ min: 0, max: 60e6 }),
    comm: fc.constantFrom('curl', 'node', '"\\\u0001', 'ü\u0085'),
    daddr: fc.constantFrom(...spellings.flat()),
    dport: fc.constantFrom(80, 443),
    saddr: fc.constantFrom('192.0.2.1', undefined),
    ending: fc.constantFrom(...endings),
    latency_us: fc.oneof(fc.nat(100), fc.nat(1e7)),
    team: fc.constantFrom('a', 1, true, null, undefined),
    repeat: fc.constantFrom(undefined, undefined, 3),
  })
  .map(({ type, us, ending, latency_us, ...more }) => {
    const { result, ...failed } = ending;
    const own = type === 'outcome' ? { result, latency_us } : {};
    return JSON.parse(JSON.stringify(connect({ type, ts: timeText(begin + us), ...failed, ...own, ...more } as never)));
  });
export const some = fc.array(event, { maxLength: 40 });

export const run = async (given: object, text: string) => (await runStage(aggregate(given), [Buffer.from(text)])).out;
export const parse = (text: string): Fields[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
export const sort = (all: Fields[]) => all.map((one) => JSON.stringify(one)).sort();

export const measures = 'count,failed,result,latency,rate,first,last,distinct:daddr,distinct:team';

export const at = (seconds: number, more: object = {}) => connect({ ts: timeText(begin + seconds * 1e6), ...more });
export const valuesOf = (text: string, ...names: string[]) =>
  parse(text).map((one) => names.map((name) => one[name]).join(' '));
