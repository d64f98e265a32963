import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nearest } from '../../../../schemas/pipe/command/nearest.js';
import {
  integer,
  list,
  type Options,
  oneOf,
  parseCommandLine,
  parseGiven,
} from '../../../../schemas/pipe/command/options.js';
import { UsageError } from '../../../../schemas/pipe/messages/errors.js';

const table = {
  port: { short: 'p', value: 'PORT', parse: integer(0, 65535), help: '' },
  'not-port': { value: 'PORTS', parse: list(integer(0, 9)), many: true, help: '' },
  mode: { value: 'a|b', parse: oneOf('a', 'b'), help: '' },
  'some-name': { value: 'NAME', help: '' },
  quiet: { short: 'q', help: '' },
} satisfies Options;

const usage = (text: string) => (error: unknown) => error instanceof UsageError && error.message === text;

test('parses all spellings of a command line', () => {
  const { values, given, rest, afterDashes } = parseCommandLine(table, [
    '-qp',
    '80',
    'x',
    '--not-port=1,2',
    '--not-port',
    '3',
    '--',
    '-y',
  ]);
  assert.deepEqual(values, { quiet: true, port: 80, notPort: [[1, 2], [3]] });
  assert.deepEqual(given, { quiet: true, port: '80', 'not-port': '1,2,3' });
  assert.deepEqual([rest, afterDashes], [['x'], ['-y']]);
  assert.equal(parseCommandLine(table, ['x']).afterDashes, undefined);
});

test('errors name the option as it was given', () => {
  const cases: [string[], string][] = [
    [['--prot', '1'], 'unknown option --prot; did you mean --port?'],
    [['--zzzzzz'], 'unknown option --zzzzzz; see --help'],
    [['--constructor'], 'unknown option --constructor; see --help'],
    [['-x'], 'unknown option -x; see --help'],
    [['-p'], 'missing value of -p; use -p PORT'],
    [['--port'], 'missing value of --port; use --port PORT'],
    [['--quiet=1'], '--quiet takes no value'],
    [['-p1', '--port', '2'], '--port was given twice'],
    [['-p', 'x'], 'invalid -p "x": use a whole number from 0 to 65535'],
    [['--not-port', '1,,2'], 'invalid --not-port "": use a whole number from 0 to 9'],
    [['--mode=c'], 'invalid --mode "c": use a or b'],
  ];
  for (const [argv, message] of cases) assert.throws(() => parseCommandLine(table, argv), usage(message));
});

test('errors of a program name the option as the program spelled it', () => {
  assert.deepEqual(parseGiven(table, { notPort: [1, '2'], quiet: false, port: 0 }).values, {
    notPort: [[1], [2]],
    port: 0,
  });
  assert.throws(() => parseGiven(table, { notPrt: 1 } as never), usage('unknown option notPrt; did you mean notPort?'));
  assert.throws(() => parseGiven(table, { 'not-port': 1 } as never), UsageError);
  assert.throws(
    () => parseGiven(table, { port: 99999 }),
    usage('invalid port "99999": use a whole number from 0 to 65535'),
  );
});

test('an array is a list, or several values of an option that may be repeated', () => {
  const table = {
    by: { value: 'FIELDS', parse: list(String), help: '' },
    where: { value: 'EXPRESSION', many: true, help: '' },
  } as const;
  const { values, given } = parseGiven(table, { by: ['comm', 'dport'], where: ['a,b', 'c'] });
  assert.deepEqual(values, { by: ['comm', 'dport'], where: ['a,b', 'c'] });
  assert.equal(given.by, 'comm,dport');
});

test('a switch with a value, or a value option without one, is refused in a program too', () => {
  assert.throws(() => parseGiven(table, { port: true } as never), UsageError);
  assert.throws(() => parseGiven(table, { quiet: 'no' } as never), UsageError);
});

const name = fc.string().filter((text) => text !== '' && !text.startsWith('-'));
const choice = fc.record(
  {
    port: fc.nat(65535),
    'not-port': fc.array(fc.array(fc.nat(9), { minLength: 1 }), { minLength: 1 }),
    mode: fc.constantFrom('a', 'b'),
    'some-name': name,
    quiet: fc.constant(true),
  },
  { requiredKeys: [] },
);

test('parsed options, given again, parse to the same values', () => {
  fc.assert(
    fc.property(choice, fc.boolean(), (chosen, joined) => {
      const argv = Object.entries(chosen).flatMap(([option, value]) => {
        if (value === true) return [`--${option}`];
        const texts = Array.isArray(value) ? value.map(String) : [String(value)];
        return texts.flatMap((text) => (joined ? [`--${option}=${text}`] : [`--${option}`, text]));
      });
      const first = parseCommandLine(table, argv);
      assert.deepEqual(Object.keys(first.given), Object.keys(chosen));
      const again = parseCommandLine(
        table,
        Object.entries(first.given).map(([option, text]) => (text === true ? `--${option}` : `--${option}=${text}`)),
      );
      assert.deepEqual(again.given, first.given);
      const camel = Object.entries(first.given).map(([option, text]) => [
        option.replace(/-(.)/g, (_, l) => l.toUpperCase()),
        text,
      ]);
      const program = parseGiven(table, Object.fromEntries(camel));
      assert.deepEqual(program.given, first.given);
      const flat = (values: typeof first.values) => ({ ...values, notPort: values.notPort?.flat() });
      assert.deepEqual(flat(again.values), flat(first.values));
      assert.deepEqual(program.values, again.values);
    }),
  );
});

test('an option of another tool is answered with what to use instead', () => {
  const instead = { U: 'every event has uid' };
  assert.throws(() => parseCommandLine({}, ['-U'], { instead }), usage('unknown option -U; every event has uid'));
  assert.throws(() => parseCommandLine({}, ['-V'], { instead }), usage('unknown option -V; see --help'));
});

test('suggests the nearest of some words', () => {
  assert.equal(nearest('filtr', ['filter', 'validate']), 'did you mean filter?');
  assert.equal(nearest('x', ['xy']), undefined);
  assert.equal(nearest('latency', ['dport', 'latency-over'], '--'), 'did you mean --latency-over?');
  assert.equal(nearest('group-by', ['by', 'step'], '--'), 'did you mean --by?');
  assert.equal(nearest('late', ['dport', 'latency-over']), undefined);
  assert.equal(nearest('anything', []), undefined);
});
