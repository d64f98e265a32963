import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { test } from 'node:test';
import { errnos, icmpErrors, insteadOf } from '../../../schemas/where/words.js';

test('has every error that Node.js knows, apart from other names for the same number', () => {
  const numbers = new Map(errnos.map((name) => [constants.errno[name as 'EPERM'], name]));
  for (const number of Object.values(constants.errno)) assert.ok(numbers.has(number), `errno ${number}`);
  for (const name of errnos) assert.equal(insteadOf('error', name), undefined);
});

test('has exactly the ICMP errors that the collector writes', () => {
  const source = readFileSync(new URL('../../../collector/event_names.cc', import.meta.url), 'utf8');
  const between = (start: string, end: string): string => {
    const at = source.indexOf(start);
    assert.ok(at >= 0 && source.indexOf(end, at) > at, `"${start}" … "${end}"`);
    return source.slice(at, source.indexOf(end, at));
  };
  const tables = between('kCodes4[] =', 'bool is_prohibition') + between('*icmp_name(', '\n}');
  const written = new Set([...tables.matchAll(/"([a-z-]+)"/g)].map(([, name]) => name));
  assert.deepEqual([...icmpErrors].sort(), [...written].sort());
});

test('accepts what has no name, and values of fields that it does not know', () => {
  for (const value of ['E4095', 'RCODE23', 'NODATA']) assert.equal(insteadOf('error', value), undefined);
  assert.equal(insteadOf('icmp', 'type-3-code-16'), undefined);
  assert.equal(insteadOf('comm', 'anything'), undefined);
});
