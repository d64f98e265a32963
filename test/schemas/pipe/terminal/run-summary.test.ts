import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunSummary } from '../../../../schemas/pipe/terminal/run-summary.js';
import { connect } from '../../../support/events.js';

const at = (second: number) => new Date(Date.UTC(2026, 10, 23, 8) + second * 1000).toISOString().replace('Z', '000Z');

const started = (id: number, second = 0, more: object = {}) => connect({ id: String(id), ts: at(second), ...more });
const pending = (id: number, second = 0, more: object = {}) => ({
  ...started(id, second + 1, more),
  ...{ type: 'pending' as const, result: 'pending', start: at(second), waited_us: 1e6 },
});
const outcome = (id: number, second = 0, more: object = {}) => ({
  ...started(id, second, more),
  ...{ type: 'outcome' as const, start: at(second), result: 'established', latency_us: 100, ...more },
});
const refused = { result: 'refused', errno: 111, error: 'ECONNREFUSED', daddr: '10.0.0.7', dport: 5432 };

const later = Date.parse(at(86_400)); // a recording: its events are from before the run

function sum(...events: { type: string }[]): string | undefined {
  const summary = new RunSummary(later);
  for (const event of events) summary.add(event);
  return summary.text();
}

const window = (minute: number, more: object = {}) => ({
  ...{ type: 'summary', v: 1, ts: at(minute * 60), end: at(minute * 60 + 60), by: 'dest,dport', count: 0 },
  ...more,
});

test('sums up attempts, failures with their main cause, and what is pending', () => {
  const events = Array.from({ length: 810 }, (_, i) =>
    outcome(i, i % 251, i < 31 ? refused : i < 40 ? { result: 'timeout', error: 'ETIMEDOUT' } : {}),
  );
  assert.equal(
    sum(...events, pending(1_000), pending(1_001), pending(1_000, 2)),
    '812 attempts in 4 m 10 s, 40 failed (31 refused by 10.0.0.7:5432, 9 other), 2 still pending',
  );
});

test('small sums', () => {
  assert.equal(sum(), undefined);
  assert.equal(sum(outcome(1)), '1 attempt, none failed');
  assert.equal(sum(outcome(1, 0, refused)), '1 attempt, 1 failed (refused by 10.0.0.7:5432)');
  assert.equal(
    sum(outcome(1, 0, refused), outcome(2, 3, { ...refused, daddr: '10.0.0.7' })),
    '2 attempts in 3.00 s, 2 failed (all refused by 10.0.0.7:5432)',
  );
});

test('an attempt counts once, whatever its events', () => {
  assert.equal(sum(started(1), pending(1), outcome(1, 2)), '1 attempt in 2.00 s, none failed');
  assert.equal(sum(started(1, 0, refused), outcome(1, 0, refused)), '1 attempt, 1 failed (refused by 10.0.0.7:5432)');
  assert.equal(sum(outcome(9), started(1)), '2 attempts, none failed, 1 still pending', 'its outcome is missing');
  assert.equal(
    sum(started(1, 0, { host: 'a' }), outcome(1, 0, { host: 'b' })),
    '2 attempts, none failed, 1 still pending',
    'ids are unique per host only',
  );
});

test('without outcomes, only what is known counts as failed or pending', () => {
  assert.equal(sum(started(1), started(2, 5)), '2 attempts in 5.00 s');
  const error = { errno: 99, error: 'EADDRNOTAVAIL', daddr: '2001:db8::7' };
  assert.equal(
    sum(started(1), started(2, 5, error)),
    '2 attempts in 5.00 s, 1 failed (EADDRNOTAVAIL to [2001:db8::7]:443)',
  );
  assert.equal(sum(pending(1), started(2)), '2 attempts in 1.00 s, 1 still pending');
});

test('look-ups and lost events', () => {
  const dns = { type: 'dns', v: 1, ts: at(0), name: 'a.example' };
  const lost = { type: 'lost', v: 1, stage: 'collector', where: 'ring buffer', count: 1_200 };
  assert.equal(sum(dns, { ...dns, ts: at(4), error: 'NXDOMAIN' } as never), '2 look-ups in 4.00 s, 1 of them failed');
  assert.equal(sum(outcome(1), dns, lost), '1 attempt, none failed, 1 look-up, 1,200 lost');
  assert.equal(sum(outcome(1), { ...lost, where: 'update' } as never), '1 attempt, none failed');
});

test('names cannot control the terminal', () => {
  assert.equal(
    sum(outcome(1, 0, { ...refused, name: 'a\x1b[2J', name_ambiguous: true })),
    '1 attempt, 1 failed (refused by a\\x1b[2J?:5432)',
  );
});

test('memory is bounded, and the sentence admits what is not exact', () => {
  const summary = new RunSummary(later);
  for (let id = 0; id < 60_000; id++) summary.add(started(id));
  assert.equal(summary.text(), '60,000 attempts');
  summary.add(outcome(59_999));
  assert.equal(summary.text(), 'about 60,000 attempts, none failed, 49,999 still pending');

  const many = new RunSummary(later);
  for (let id = 0; id < 3_000; id++) many.add(outcome(id, 0, id % 2 ? refused : { ...refused, dport: id }));
  assert.match(many.text() ?? '', /^3,000 attempts, 3,000 failed \(at least 1,\d\d\d refused by 10\.0\.0\.7:5432\)$/);
});

test('the events of a live run: the time is that of the run, from its start to its end', () => {
  const [began, end] = [Date.parse(at(60)), Date.parse(at(310))];
  const text = (...events: { type: string }[]) => {
    const summary = new RunSummary(began);
    for (const event of events) summary.add(event);
    return summary.text(end);
  };
  assert.equal(text(outcome(1, 100), outcome(2, 101)), '2 attempts in 4 m 10 s, none failed');
  assert.equal(text(pending(1, 60, { existing: true, start: at(-9_000) })), '1 attempt in 4 m 10 s, 1 still pending');
  assert.equal(text(outcome(1, 10), outcome(2, 101)), '2 attempts in 5 m 0 s, none failed', 'with older events before');
  assert.equal(text(window(0.5, { count: 1 })), '1 attempt in 4 m 10 s');
});

test('summaries: their attempts, failures with the main cause, and what is pending in the newest window', () => {
  const db = { dest: 'db.example', dport: 5432, failed: 31, result_refused: 30, result_timeout: 1 };
  assert.equal(
    sum(
      window(0, { ...db, count: 40, pending: 4 }),
      window(0, { count: 2, failed: 0, pending: 3 }),
      window(1, { ...db, count: 35, pending: 1 }),
      window(1, { other: true, count: 1, failed: 1, result_refused: 1, pending: 1, lost: 7 }),
      { type: 'lost', v: 1, stage: 'collector', where: 'ring buffer', count: 7 } as never,
    ),
    '80 attempts in 2 m 0 s, 63 failed (60 refused by db.example:5432, 3 other), 2 still pending, 7 lost',
  );
});

test('summaries with other groups', () => {
  const text = (by: object) => sum(window(0, { count: 3, failed: 2, result_timeout: 2, ...by }));
  assert.equal(text({ pcomm: 'curl' }), '3 attempts in 1 m 0 s, 2 failed (all timed out)');
  assert.equal(text({ dport: 443 }), '3 attempts in 1 m 0 s, 2 failed (all timed out to port 443)');
  assert.equal(text({ daddr: '10.0.0.0/8' }), '3 attempts in 1 m 0 s, 2 failed (all timed out to 10.0.0.0/8)');
  assert.equal(text({ name: 'a\x1b' }), '3 attempts in 1 m 0 s, 2 failed (all timed out to a\\x1b)');
  assert.equal(sum(window(0, { count: 3, errors: 2 })), '3 attempts in 1 m 0 s, 2 failed', 'connect events');
  assert.equal(sum(window(0, { pending: 3 })), '3 attempts in 1 m 0 s, 3 still pending');
  assert.equal(sum(window(0, { events: 'dns', count: 9, failed: 4 })), '9 look-ups in 1 m 0 s, 4 of them failed');
});

test('an attempt counts once, although windows overlap', () => {
  // one attempt per minute, in windows of two minutes; one starts each minute
  const windows = [0, 1, 2].map((minute) => window(minute, { end: at(minute * 60 + 120), count: 2 }));
  assert.equal(sum(...windows), '4 attempts in 4 m 0 s');
});

test('more causes than are counted, each of many failures', () => {
  const events = Array.from({ length: 2_000 }, (_, dport) => window(0, { dport, failed: 2, result_refused: 2 }));
  const main = window(0, { dport: 5432, count: 5_000, failed: 5_000, result_refused: 5_000 });
  assert.match(sum(main, ...events) ?? '', / 9,000 failed \(at least 4,\d\d\d refused by port 5432\)$/);
});
