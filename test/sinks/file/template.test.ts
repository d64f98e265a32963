import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { safeName } from '../../../sinks/file/safe-name.js';
import { Template } from '../../../sinks/file/template.js';

test('time is written as date(1) writes it', () => {
  const format = '%Y-%m-%d %j %H:%M:%S %s %% x';
  const template = new Template(format);
  for (const at of [0, 951_782_399, 951_782_400, 1_709_164_800, 1_735_689_599, 1_795_424_400, 4_102_444_800]) {
    const wanted = execFileSync('date', ['-u', '-d', `@${at}`, `+${format}`], { encoding: 'utf8' }).trimEnd();
    assert.equal(template.path(at * 1000 + 999), wanted);
  }
});

test('the period is that of the most frequent directive', () => {
  const every = (text: string) => new Template(text).every;
  assert.equal(every('a'), undefined);
  assert.equal(every('{comm}%%'), undefined);
  assert.equal(every('%Y/%m'), 86_400_000);
  assert.equal(every('%Y%m%d-%H'), 3_600_000);
  assert.equal(every('%H%M'), 60_000);
  assert.equal(every('%s'), 1_000);
});

test('fields in a path are found and filled in', () => {
  const template = new Template('/var/log/{comm}/{pid}-{{x}}.ndjson');
  assert.deepEqual(template.fields, ['comm', 'pid']);
  const path = template.path(0, (name) => ({ comm: 'a/b', pid: 7 })[name]);
  assert.equal(path, '/var/log/a%2Fb/7-{x}.ndjson');
});

test('unknown directives are refused', () => {
  for (const text of ['%', '%y', 'a%', '{', '}', '{}', '{a b}', '{a', 'a}', '{a/b}']) {
    assert.throws(() => new Template(text), /^UsageError: PATH: /, text);
  }
});

test('a path follows its template', () => {
  const any = fc.array(fc.constantFrom('%Y', '%j', '%H', '%%', '{comm}', '.', '*', '(', 'x', '/'), {
    minLength: 1,
    maxLength: 8,
  });
  const matches = (all: ReturnType<Template['patterns']>, path: string) => {
    const names = path.split('/');
    assert.equal(all.length, names.length);
    all.forEach((pattern, i) => {
      if ('text' in pattern) assert.equal(names[i], pattern.text);
      else assert.match(names[i] as string, new RegExp(`^${pattern.pattern}$`));
    });
  };
  fc.assert(
    fc.property(any, fc.integer({ min: 0, max: 4e12 }), fc.string({ unit: 'binary' }), (parts, at, comm) => {
      const template = new Template(parts.join(''));
      const path = template.path(at, () => comm);
      matches(template.patterns(), path);
      matches(template.patterns(at), path);
    }),
  );
});

test('no value of a field leads outside the folder', () => {
  assert.deepEqual(
    ['..', '.', '../../etc/passwd', 'a/b', 'a\0b', '', undefined, null, ['x'], { a: 1 }, 7, true, '.bashrc'].map(
      safeName,
    ),
    ['%2E.', '%2E', '%2E.%2F..%2Fetc%2Fpasswd', 'a%2Fb', 'a%00b', '-', '-', '-', '-', '-', '7', 'true', '%2Ebashrc'],
  );
  assert.equal(safeName('.'.padEnd(100, 'x')), '%2E'.padEnd(60, 'x'));
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string({ maxLength: 300, size: 'max' })), (value) => {
      assert.match(safeName(value), /^[\w:+,=%-][\w.:+,=%-]{0,59}$/);
    }),
  );
});

test('no value of a field makes a name that sink-file itself uses', () => {
  const path = (template: string, ...values: string[]) => new Template(template).path(0, () => values.shift());
  const closed = '20261123T081530.123Z';
  for (const [template, values, wanted] of [
    ['{comm}', ['a.gz'], 'a%2Egz'],
    ['{comm}', ['a.gz.b'], 'a.gz.b'],
    ['{comm}', ['gz'], 'gz'],
    ['out.{comm}', ['gz'], 'out%2Egz'],
    ['out.{comm}', ['zst'], 'out%2Ezst'],
    ['out.{comm}', ['parquet'], 'out%2Eparquet'],
    ['out.{comm}', ['tmp'], 'out%2Etmp'],
    ['out.{comm}', ['torn'], 'out%2Etorn'],
    ['out.{comm}{pid}', ['t', 'mp'], 'out%2Etmp'],
    ['out.g{comm}', ['z'], 'out%2Egz'],
    ['{comm}z', ['a.g'], 'a%2Egz'],
    ['out@{comm}.ndjson', [closed], 'out@20261123T081530%2E123Z.ndjson'],
    ['{comm}', [`a@${closed}`], 'a%4020261123T081530%2E123Z'],
    ['{comm}.gz', ['a'], 'a.gz'], // from the user's own text
    ['{comm}/out', ['a.gz'], 'a.gz/out'],
  ] as [string, string[], string][])
    assert.equal(path(template, ...values), wanted, template);
});
