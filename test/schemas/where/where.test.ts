import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Line } from '../../../schemas/pipe/line/line.js';
import { LineField } from '../../../schemas/pipe/line/line-field.js';
import { UsageError } from '../../../schemas/pipe/messages/errors.js';
import type { Comparison, Expression, Literal } from '../../../schemas/where/expression.js';
import { parse } from '../../../schemas/where/parse.js';
import { where } from '../../../schemas/where/where.js';
import { print, someEvent, someExpression, withoutPlaces } from '../../support/where.js';

type Event = Record<string, unknown>;

const type = new LineField('type');

/** The event as a stage gets it. */
function lineOf(event: Event, spaces?: number): Line {
  const line = new Line();
  const bytes = Buffer.from(JSON.stringify(event, null, spaces).replaceAll('\n', ' '));
  assert.equal(line.take(bytes, 0, bytes.length), undefined, bytes.toString());
  return line;
}

/** Which addresses of `someEvent` are in each network that `someExpression` names, worked out by hand. */
const inside: Record<string, string[]> = {
  '10.0.0.1': ['10.0.0.1', '::ffff:10.0.0.1'],
  '192.0.2.1': ['192.0.2.1'],
  '::1': ['::1'],
  '0::1': ['::1'],
  '2001:0db8::7': ['2001:db8::7'],
  '10.0.0.0/8': ['10.0.0.1', '::ffff:10.0.0.1'],
  '::ffff:10.0.0.0/104': ['10.0.0.1', '::ffff:10.0.0.1'],
  '0.0.0.0/0': ['10.0.0.1', '192.0.2.1', '::ffff:10.0.0.1'],
  '::/0': ['::1', 'fd00::1', '2001:db8::7', '::ffff:10.0.0.1'],
  'fd00::/8': ['fd00::1'],
};
const micros: Record<string, number> = { '100ms': 1e5, '0.5ms': 500, '1s': 1e6, '500us': 500, '1000': 1000 };
const times: Record<string, string> = {
  '2026-11-23T08:15:30.5Z': '2026-11-23T08:15:30.500000Z',
  '2026-11-23T09:15:30.123456+01:00': '2026-11-23T08:15:30.123456Z',
};

/** Whether a value matches a literal, by the rules in transforms/README. */
function is(value: unknown, { text, quoted }: Literal, name: string, many: boolean): boolean {
  const number = (word: string) => micros[word] ?? Number(word);
  const [from = '', to = from] = many && /^\d+\w*-\d/.test(text) ? text.split('-') : [text];
  if (['daddr', 'saddr', 'icmp_from'].includes(name)) return (inside[text] as string[]).includes(value as string);
  if (name === 'ts' || name === 'start') return value === times[text];
  if (name === 'names') return (value as string[]).includes(text);
  if (['comm', 'name', 'error', 'result', 'type'].includes(name)) return value === text;
  const near = typeof value === 'number' && value >= number(from) && value <= number(to);
  if (['dport', 'pid', 'uid', 'latency_us', 'waited_us', 'family'].includes(name)) return near;
  if (quoted) return value === text;
  const here = typeof value === 'string' && (many || !text.includes('/')) && inside[text]?.includes(value);
  return value === text || near || here === true || (text === 'true' && value === true);
}

function holds(comparison: Comparison, value: unknown): boolean {
  if (value === undefined) return false;
  const { name } = comparison.field;
  if (comparison.kind === 'in') {
    return comparison.not !== comparison.values.some((literal) => is(value, literal, name, true));
  }
  if (comparison.kind === 'match') {
    const expression = new RegExp(comparison.source, comparison.flags);
    const texts = name === 'names' ? (value as string[]) : [value];
    return comparison.not !== texts.some((text) => typeof text === 'string' && expression.test(text));
  }
  const { operator, value: literal } = comparison;
  if (operator === '==' || operator === '!=') return (operator === '==') === is(value, literal, name, false);
  const limit = times[literal.text] ?? micros[literal.text] ?? Number(literal.text);
  if (typeof value !== typeof limit) return false;
  if (operator === '<') return (value as number) < (limit as number);
  if (operator === '<=') return (value as number) <= (limit as number);
  if (operator === '>') return (value as number) > (limit as number);
  return (value as number) >= (limit as number);
}

function evaluate(expression: Expression, event: Event): boolean {
  switch (expression.kind) {
    case 'and':
      return expression.of.every((part) => evaluate(part, event));
    case 'or':
      return expression.of.some((part) => evaluate(part, event));
    case 'not':
      return !evaluate(expression.of, event);
    case 'has':
      return Object.hasOwn(event, expression.field.name);
    default:
      return holds(expression, Object.hasOwn(event, expression.field.name) ? event[expression.field.name] : undefined);
  }
}

test('a printed expression parses to the same expression', () => {
  fc.assert(
    fc.property(someExpression, (expression) => {
      assert.deepEqual(withoutPlaces(parse(print(expression))), withoutPlaces(expression), print(expression));
    }),
    { numRuns: 2000 },
  );
});

test('other spellings of operators, and spaces, change nothing', () => {
  fc.assert(
    fc.property(someExpression, fc.constantFrom('', ' ', '\n\t '), (expression, space) => {
      const text = print(expression);
      const parts = text.split(/("(?:[^"\\]|\\.)*"|\/(?:[^/\\]|\\.)*\/i?)/); // odd parts are quoted
      const other = parts.map((part, i) =>
        i % 2 ? part : part.replace(/ and /g, `${space}&&${space}`).replace(/ or /g, `${space}||${space}`),
      );
      assert.deepEqual(withoutPlaces(parse(other.join(''))), withoutPlaces(expression), other.join(''));
    }),
    { numRuns: 1000 },
  );
});

test('a condition agrees with a plain evaluation of the parsed JSON, for scanned and for parsed lines', () => {
  const seen = { true: 0, false: 0, scanned: 0, parsed: 0 };
  const spaces = fc.constantFrom(0, 1);
  const events = fc.array(fc.tuple(someEvent, spaces), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(someExpression, events, (expression, all) => {
      const holds = where(print(expression));
      for (const [event, spaces] of all) {
        const line = lineOf(event, spaces);
        const wanted = evaluate(expression, JSON.parse(JSON.stringify(event)));
        seen[`${wanted}`]++;
        line.locate(type);
        seen[line.raw === line.buffer ? 'scanned' : 'parsed']++;
        assert.equal(holds(line), wanted, `${print(expression)}\n${JSON.stringify(event)}`);
      }
    }),
    { numRuns: 2000 },
  );
  assert.ok(Math.min(...Object.values(seen)) > 1000, JSON.stringify(seen));
});

test("De Morgan's laws and double negation hold, even if fields are missing", () => {
  fc.assert(
    fc.property(someExpression, someExpression, someEvent, (one, other, event) => {
      const [a, b] = [`(${print(one)})`, `(${print(other)})`];
      const line = lineOf(event);
      const same = (left: string, right: string) =>
        assert.equal(where(left)(line), where(right)(line), `${left}\n${right}`);
      same(`not (${a} and ${b})`, `not ${a} or not ${b}`);
      same(`!(${a} || ${b})`, `!${a} && !${b}`);
      same(`not not ${a}`, a);
      same(`${a} or ${b} and ${a}`, `${a} or (${b} and ${a})`);
    }),
    { numRuns: 1000 },
  );
});

test('a negated operator is the opposite if the field exists, and false if it does not', () => {
  const pairs = [
    ['uid == 1', 'uid != 1'],
    ['uid in (0-1, 7)', 'uid not in (0-1, 7)'],
    ['name =~ "u"', 'name !~ "u"'],
    ['names == curl', 'names != curl'],
    ['.team == curl', '.team != curl'],
  ] as const;
  fc.assert(
    fc.property(fc.constantFrom(...pairs), someEvent, ([positive, negative], event) => {
      const line = lineOf(event);
      const there = line.field(positive.split(' ')[0]?.replace('.', '') as string) !== undefined;
      assert.equal(where(negative)(line), there && !where(positive)(line));
    }),
  );
});

test('any text is an expression, or a usage error of one line that names a column', () => {
  const pieces = fc.constantFrom(
    ...[
      'dport',
      'daddr',
      'name',
      'names',
      'ts',
      '.team',
      '."',
      'and',
      'or',
      'not',
      'in',
      '(',
      ')',
      ',',
      '!',
      '==',
      '=',
    ],
    ...[
      '!=',
      '<',
      '>=',
      '=~',
      '!~',
      '&&',
      '||',
      '443',
      '1-2',
      '100ms',
      '10.0.0.0/8',
      '::1',
      '"a"',
      "'",
      '/x/i',
      '/',
      '\\',
    ],
    ...['é', '😀', '-', '2026-11-23T00:00:00Z', '__proto__', 'constructor', '.constructor', '\0', '"('],
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(pieces, { maxLength: 12 }).map((all) => all.join(' ')),
    fc.array(pieces, { maxLength: 12 }).map((all) => all.join('')),
    someExpression.chain((expression) => {
      const whole = print(expression);
      return fc.tuple(fc.nat(whole.length), fc.nat(3)).map(([at, cut]) => whole.slice(0, at) + whole.slice(at + cut));
    }),
  );
  fc.assert(
    fc.property(text, someEvent, (expression, event) => {
      try {
        assert.equal(typeof where(expression)(lineOf(event)), 'boolean');
      } catch (error) {
        assert.ok(error instanceof UsageError, `${expression}: ${(error as Error).stack}`);
        const column = Number(/^column (\d+): .+; .+/s.exec(error.message)?.[1]);
        assert.ok(column >= 1 && column <= [...expression].length + 1, `${expression}: ${error.message}`);
      }
    }),
    { numRuns: 5000 },
  );
});

test('no depth or length exhausts the stack', () => {
  for (const deep of [
    '('.repeat(1e5),
    'not '.repeat(1e5),
    '!'.repeat(1e5),
    `${'('.repeat(1e5)}dport${')'.repeat(1e5)}`,
  ]) {
    assert.throws(() => where(deep), /^UsageError: column \d+: more than 100 nested levels/);
  }
  assert.ok(where(`${'('.repeat(100)}dport${')'.repeat(100)}`)(lineOf(fc.sample(someEvent, 1)[0] as Event)));
  const long = where(`${'dport == 1 or '.repeat(20_000)}dport`);
  assert.equal(long(lineOf(fc.sample(someEvent, 1)[0] as Event)), true);
});

test('other event types have their own fields', () => {
  const dns = lineOf({
    type: 'dns',
    v: 1,
    ts: '2026-11-23T08:15:30.123456Z',
    name: 'example.com',
    addrs: ['192.0.2.7', '::1'],
    ttl: 60,
  });
  for (const yes of ['type == dns', 'addrs in 192.0.2.0/24', 'not addrs == 10.0.0.1', 'ttl <= 60s', 'ttl == 60000ms']) {
    assert.ok(where(yes, ['dns'])(dns), yes);
  }
  assert.throws(() => where('dport == 443', ['dns']), UsageError);
  assert.throws(() => where('ttl == 60'), UsageError);
  assert.ok(where('type == dns or dport', ['dns', 'connect'])(dns));
  assert.throws(() => where('type == lost', ['dns', 'connect']), /it is connect or dns|it is dns or connect/);
});
