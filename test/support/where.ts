import fc from 'fast-check';
import { attemptTypes } from '../../schemas/attempts.js';
import type { Expression, FieldName, Literal } from '../../schemas/where/expression.js';
import { schemaOf } from './arbitrary.js';

/** Prints an expression with no more parentheses than needed. */
export function print(expression: Expression): string {
  switch (expression.kind) {
    case 'or':
      return expression.of.map((part) => (part.kind === 'or' ? `(${print(part)})` : print(part))).join(' or ');
    case 'and':
      return expression.of.map((part) => within(part, 'and', 'or')).join(' and ');
    case 'not':
      return `not ${within(expression.of, 'and', 'or')}`;
    case 'has':
      return field(expression.field);
    case 'compare':
      return `${field(expression.field)} ${expression.operator} ${literal(expression.value)}`;
    case 'in': {
      const { not, values } = expression;
      return `${field(expression.field)} ${not ? 'not in' : 'in'} (${values.map(literal).join(', ')})`;
    }
    case 'match': {
      const { not, source, flags } = expression;
      const pattern = flags ? `/${source.replaceAll('/', '\\/')}/${flags}` : quoted(source);
      return `${field(expression.field)} ${not ? '!~' : '=~'} ${pattern}`;
    }
  }
}

const within = (part: Expression, ...weaker: string[]) =>
  weaker.includes(part.kind) ? `(${print(part)})` : print(part);
const quoted = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`;
const literal = ({ text, quoted: inQuotes }: Literal) => (inQuotes ? quoted(text) : text);
const field = ({ name, own }: FieldName) =>
  !own ? name : /^[A-Za-z_]\w*$/.test(name) ? `.${name}` : `.${quoted(name)}`;

/** The same without positions in the text. */
export function withoutPlaces<T>(expression: T): T {
  return JSON.parse(JSON.stringify(expression, (key, value) => (key === 'at' ? undefined : value)));
}

const at = 0;
const bare = (...texts: string[]): fc.Arbitrary<Literal> =>
  fc.constantFrom(...texts).map((text) => ({ text, quoted: false, at }));
const inQuotes = (...texts: string[]): fc.Arbitrary<Literal> =>
  fc.constantFrom(...texts).map((text) => ({ text, quoted: true, at }));
const schemaField = (...names: string[]): fc.Arbitrary<FieldName> =>
  fc.tuple(fc.constantFrom(...names), fc.boolean()).map(([name, own]) => ({ name, own, at }));

const equality = fc.constantFrom('==' as const, '!=' as const);
const anyOrder = fc.constantFrom(
  '==' as const,
  '!=' as const,
  '<' as const,
  '<=' as const,
  '>' as const,
  '>=' as const,
);
const compare = (
  field: fc.Arbitrary<FieldName>,
  operator: typeof anyOrder | typeof equality,
  value: fc.Arbitrary<Literal>,
) => fc.record({ kind: fc.constant('compare' as const), field, operator, value });
const oneOf = (field: fc.Arbitrary<FieldName>, value: fc.Arbitrary<Literal>) =>
  fc.record({
    kind: fc.constant('in' as const),
    field,
    not: fc.boolean(),
    values: fc.array(value, { minLength: 1, maxLength: 3 }),
  });
const match = (field: fc.Arbitrary<FieldName>) =>
  fc.record({
    kind: fc.constant('match' as const),
    field,
    not: fc.boolean(),
    source: fc.constantFrom('^c', 'l$', '\\.', 'a"b', '/', '\\\\', '^$', 'E'),
    flags: fc.constantFrom('', 'i'),
    at: fc.constant(at),
  });

const numbers = schemaField('dport', 'pid', 'uid');
const texts = schemaField('comm', 'name', 'error');
const owns: fc.Arbitrary<FieldName> = fc
  .constantFrom('team', 'zone', 'a b', '')
  .map((name) => ({ name, own: true, at }));
const number = bare('22', '80', '443', '0', '1');
const range = bare('0-100', '80-443', '1-1');
const address = fc.oneof(bare('10.0.0.1', '::1', '192.0.2.1', '2001:0db8::7'), inQuotes('10.0.0.1', '0::1'));
const network = fc.oneof(address, bare('10.0.0.0/8', '::/0', '0.0.0.0/0', 'fd00::/8', '::ffff:10.0.0.0/104'));
const text = fc.oneof(bare('curl', 'node', '443'), inQuotes('curl', '', 'a "b"', "it's", '\\'));
const errorName = fc.oneof(bare('ECONNREFUSED'), inQuotes('ECONNREFUSED', 'ETIMEDOUT'));
const ownValue = fc.oneof(text, bare('3', '1-4', '10.0.0.1', '10.0.0.0/8', 'true', '-1.5'));
const results = bare('refused', 'established', 'timeout', 'pending');

const condition: fc.Arbitrary<Expression> = fc.oneof(
  fc.record({
    kind: fc.constant('has' as const),
    field: fc.oneof(numbers, texts, owns, schemaField('v4mapped', 'latency_us', 'waited_us', 'start', 'existing')),
  }),
  compare(numbers, anyOrder, number),
  oneOf(numbers, fc.oneof(number, range)),
  compare(schemaField('latency_us', 'waited_us'), anyOrder, bare('100ms', '0.5ms', '1s', '500us', '1000')),
  oneOf(schemaField('latency_us', 'waited_us'), bare('100ms-1s', '0-500us', '1000')),
  compare(schemaField('daddr', 'saddr', 'icmp_from'), equality, address),
  oneOf(schemaField('daddr', 'saddr', 'icmp_from'), network),
  compare(schemaField('comm', 'name'), equality, text),
  oneOf(schemaField('comm', 'name'), text),
  compare(schemaField('names'), equality, text),
  oneOf(schemaField('names'), text),
  oneOf(schemaField('error'), errorName),
  compare(schemaField('result'), equality, results),
  oneOf(schemaField('result'), results),
  compare(schemaField('family'), equality, bare('4', '6')),
  compare(schemaField('type'), equality, bare('connect', 'outcome', 'pending')),
  compare(schemaField('ts', 'start'), anyOrder, bare('2026-11-23T08:15:30.5Z', '2026-11-23T09:15:30.123456+01:00')),
  compare(owns, equality, ownValue),
  oneOf(owns, ownValue),
  compare(owns, fc.constantFrom('<' as const, '>=' as const), bare('3', '-1.5')),
  match(fc.oneof(texts, owns, schemaField('names', 'daddr', 'result'))),
);

/** Valid expressions, over fields and values that `someEvent` has too. */
export const someExpression: fc.Arbitrary<Expression> = fc.letrec<{ node: Expression }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    condition,
    fc.record({ kind: fc.constant('not' as const), of: tie('node') }),
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      of: fc.array(tie('node'), { minLength: 2, maxLength: 3 }),
    }),
  ),
})).node;

const addresses = fc.constantFrom('10.0.0.1', '192.0.2.1', '::1', 'fd00::1', '2001:db8::7', '::ffff:10.0.0.1');
const words = fc.constantFrom('curl', 'node', '443', '', 'a "b"', "it's", '\\', 'Curl', 'a/b', 'é😀');
const anything: fc.Arbitrary<unknown> = fc.oneof(
  words,
  addresses,
  fc.constantFrom(3, 2, -1.5, true, false, null, '3', 'true', '1-4'),
  fc.constantFrom([], ['curl'], {}),
);
const times = fc.constantFrom('2026-11-23T08:15:30.123456Z', '2026-11-23T08:15:30.500000Z');
const few = {
  ts: times,
  start: times,
  pid: fc.nat(2),
  uid: fc.nat(2),
  comm: words,
  daddr: addresses,
  saddr: addresses,
  dport: fc.constantFrom(0, 22, 80, 443),
  v4mapped: fc.constant(true),
  name: words.filter((word) => word !== ''),
  names: fc.array(
    words.filter((word) => word !== ''),
    { minLength: 2, maxLength: 3 },
  ),
  result: fc.constantFrom('refused', 'established', 'timeout'),
  latency_us: fc.constantFrom(0, 500, 1000, 100_000, 1_000_000),
  icmp_from: addresses,
  team: anything,
  zone: anything,
  'a b': anything,
  '': anything,
};

const orders = Object.fromEntries(attemptTypes.map((type) => [type, Object.keys(schemaOf(type).properties)]));
const own = ['team', 'zone', 'a b', ''];

/** Valid events with and without the fields that expressions name. Those without unknown fields are in canonical form. */
export const someEvent: fc.Arbitrary<Record<string, unknown>> = fc
  .tuple(
    fc.record(few, { requiredKeys: ['ts', 'start', 'pid', 'comm', 'daddr', 'dport', 'result', 'latency_us'] }),
    fc.record({ type: fc.constantFrom('connect', 'outcome', 'pending'), failed: fc.boolean(), foreign: fc.boolean() }),
  )
  .map(([fields, { type, failed, foreign }]) => {
    const { start, result, latency_us, icmp_from, ...all } = fields;
    const icmp = icmp_from !== undefined && { icmp: 'port-unreachable', icmp_from };
    const event: Record<string, unknown> = {
      type,
      v: 1,
      seq: 1,
      id: '4242',
      family: fields.daddr.includes(':') && !fields.daddr.startsWith('::ffff') ? 6 : 4,
      via: 'connect',
      ...all,
      ...(failed && type !== 'pending' && { errno: 111, error: 'ECONNREFUSED' }),
      ...(type === 'outcome' && { start, result, latency_us, ...icmp }),
      ...(type === 'pending' && { start, result: 'pending', waited_us: latency_us, ...icmp }),
      ...(all.names && { name: all.name ?? 'curl' }),
    };
    const order = orders[type] as string[];
    const keys = foreign ? [...order, ...own] : order;
    return Object.fromEntries(keys.flatMap((key) => (key in event ? [[key, event[key]]] : [])));
  });
