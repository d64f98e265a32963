import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backoff, backoffMs } from '../../../schemas/pipe/run/backoff.js';
import { authorization } from '../../../sinks/http/headers.js';
import { joined, key, nanoseconds } from '../../../sinks/http/preset.js';
import { isTemporary, retryAfter } from '../../../sinks/http/retry.js';
import { splitLines } from '../../../sinks/spool/lines.js';

test('backoff doubles up to 30 s, randomly between half and all of it', () => {
  assert.deepEqual(
    [1, 2, 3, 8, 9, 100].map((failures) => backoffMs(failures, () => 1)),
    [200, 400, 800, 25_600, 30_000, 30_000],
  );
  assert.deepEqual(
    [1, 100].map((failures) => backoffMs(failures, () => 0)),
    [100, 15_000],
  );
});

test('Retry-After in seconds, as a date, and invalid', () => {
  const now = Date.parse('2026-11-23T08:00:00Z');
  const after = (header?: string) => retryAfter(header, now);
  assert.equal(after('7'), 7_000);
  assert.equal(after('Mon, 23 Nov 2026 08:00:30 GMT'), 30_000);
  assert.equal(after('Mon, 23 Nov 2026 07:00:00 GMT'), 0);
  assert.equal(after('999999999'), 3_600_000);
  assert.deepEqual([after(undefined), after('soon'), after('')], [undefined, undefined, undefined]);
});

test('which statuses are retried', () => {
  assert.deepEqual([408, 425, 429, 500, 502, 503, 504].filter(isTemporary).length, 7);
  assert.deepEqual([301, 400, 401, 403, 404, 413, 422].filter(isTemporary), []);
});

test("backoff: concurrent failures count once, the server's wait counts, and a success resets it", () => {
  let now = 0;
  const gate = new Backoff(() => now);
  assert.equal(gate.wait, 0);
  gate.failed();
  const first = gate.wait;
  assert.ok(first >= 100 && first <= 200);
  for (let i = 0; i < 10; i++) gate.failed();
  assert.equal(gate.wait, first);
  now += first;
  gate.failed();
  assert.ok(gate.wait >= 200 && gate.wait <= 400);
  gate.failed(5_000);
  assert.equal(gate.wait, 5_000);
  gate.passed();
  assert.equal(gate.wait, 0);
});

test('Authorization is built from a token or a user and password', () => {
  assert.equal(authorization('abc', 'Bearer'), 'Bearer abc');
  assert.equal(authorization('abc', 'Splunk'), 'Splunk abc');
  assert.equal(authorization('ApiKey xyz:1', 'Bearer'), 'ApiKey xyz:1');
  assert.equal(authorization('me:pass word', 'Bearer'), `Basic ${Buffer.from('me:pass word').toString('base64')}`);
});

test("times in nanoseconds; an event without a time has the batch's", () => {
  assert.equal(nanoseconds('2026-11-23T08:15:30.123456Z', 5), '1795421730123456000');
  assert.equal(nanoseconds('1969-12-31T23:59:59.999999Z', 5), '-1000');
  for (const ts of [undefined, 7, 'x', '2026-13-45T08:15:30.123456Z']) assert.equal(nanoseconds(ts, 5), '5000000');
});

test('splits and joins lines, and derives the key of a part', () => {
  const lines = splitLines(Buffer.from('a\nbc\n\n'));
  assert.deepEqual(lines.map(String), ['a', 'bc', '']);
  assert.equal(joined(lines, (at) => `${at}:`).toString(), '0:a\n1:bc\n2:\n');
  const sent = { id: 'x', began: 0, lines, positions: [0, 1, 2] };
  assert.deepEqual([key(sent, 3), key({ ...sent, lines: lines.slice(1), positions: [1, 2] }, 3)], ['x', 'x.1.2']);
});
