import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countOf, Model } from '../../../sinks/top/model.js';
import { at, closed, dns, feed, nxdomain, outcome, pending, refused, us } from './shown.js';

test('an attempt waits until its outcome comes', () => {
  const model = feed(new Model(), pending(0, 1, { id: '9001' }), pending(0, 2, { id: '9002' }));
  feed(model, pending(0, 4, { id: '9001', retransmits: 2 }));
  assert.deepEqual([model.open, model.attempts, model.ended], [2, 2, 0]);
  assert.deepEqual(
    [...model.waiting.values()].map(({ key, waited, resent }) => [key, waited, resent]),
    [
      ['9001', 4e6, 2],
      ['9002', 2e6, 0],
    ],
  );
  feed(model, outcome(7, { id: '9001', result: 'timeout', errno: 110, error: 'ETIMEDOUT', latency_us: 7e6 }));
  assert.deepEqual([model.open, model.attempts, model.failed], [1, 2, 1]);
});

test('failures are grouped by destination and cause', () => {
  const model = feed(
    new Model(),
    refused(0),
    refused(1, { comm: 'wget', pcomm: 'wget' }),
    refused(2, { icmp: 'port-unreachable', icmp_from: '192.0.2.9' }),
    outcome(3, { result: 'error', errno: 99, error: 'EADDRNOTAVAIL', name: 'db.example.com' }),
    outcome(4),
  );
  assert.deepEqual(
    [...model.failures.values()].map(({ to, cause, count, by }) => [to, cause, count, [...by].join()]),
    [
      ['192.0.2.1:443', 'refused', 2, 'curl,wget'],
      ['192.0.2.1:443', 'refused (192.0.2.9: port-unreachable)', 1, 'curl'],
      ['db.example.com:443', 'error EADDRNOTAVAIL', 1, 'curl'],
    ],
  );
});

test('who talks to whom: attempts, failures, latency of those that were established', () => {
  const model = new Model();
  for (let i = 1; i <= 100; i++) feed(model, outcome(i / 10, { latency_us: i * 1_000 }));
  feed(model, refused(11, { latency_us: 9e6 }), outcome(11, { repeat: 5, dport: 80 }));
  const [talk, other] = [...model.talks.values()];
  assert.ok(talk && other);
  assert.deepEqual(
    [talk.who, talk.to, countOf(talk), talk.failed, talk.last],
    ['curl', '192.0.2.1:443', 101, 1, us(11)],
  );
  for (const [q, ms] of [
    [0.5, 50],
    [0.99, 99],
  ] as const)
    assert.ok(Math.abs((talk.latency.at(q) as number) / 1_000 - ms) <= ms / 50, `${q}: ${talk.latency.at(q)}`);
  assert.equal(countOf(other), 5, 'a repeated event stands for several');
  assert.equal(model.attempts, 106);
});

test('closed and open events add bytes, each byte once, and count no attempt', () => {
  const model = feed(new Model(), outcome(0, { id: '1' }));
  const open = (s: number, more: object) => {
    const { closed_by: _, ...event } = closed(s, { type: 'open', id: '1', ...more });
    return event;
  };
  feed(
    model,
    open(1, { bytes_sent: 100, bytes_received: 10, sent_delta: 100, received_delta: 10 }),
    closed(2, { id: '1', bytes_sent: 150, bytes_received: 10, sent_delta: 50, received_delta: 0 }),
    closed(3, { id: '2', bytes_sent: 7, bytes_received: 3 }),
    open(4, { id: '3', start: undefined, existing: true, bytes_sent: 1e9, bytes_received: 1e9 }), // from before the start
  );
  const [talk] = [...model.talks.values()];
  assert.deepEqual([talk?.sent, talk?.received, model.talks.size, model.attempts], [157, 13, 1, 1]);
});

test('connect events alone count attempts; with outcomes, no attempt counts twice', () => {
  const connect = (s: number, more = {}) => {
    const { result: _, latency_us: __, start: ___, ...event } = outcome(s, { type: 'connect' });
    return { ...event, ...more };
  };
  const alone = feed(new Model(), connect(0), connect(1, { errno: 101, error: 'ENETUNREACH' }));
  assert.deepEqual([alone.attempts, alone.failed], [2, 1]);
  const both = feed(new Model(), connect(0), outcome(0), connect(1), refused(1));
  assert.deepEqual([both.attempts, both.failed], [2, 1]);
});

test('failed look-ups are grouped by name and error; those of the search list are normal', () => {
  const model = feed(
    new Model(),
    dns(0, { addrs: ['192.0.2.1'], ttl: 3, transport: 'udp' }),
    nxdomain(1, 'nope.example.com'),
    nxdomain(2, 'nope.example.com', { comm: 'wget' }),
    nxdomain(3, 'nope.example.com.example.com', { search: true }),
    nxdomain(4, 'slow.example.com', { error: 'TIMEOUT', rcode: undefined }),
  );
  assert.deepEqual([model.lookedUp, model.failedLookups], [5, 3]);
  assert.deepEqual(
    [...model.lookups.values()].map(({ name, error, count, by }) => [name, error, count, [...by].join()]),
    [
      ['nope.example.com', 'NXDOMAIN', 2, 'curl,wget'],
      ['slow.example.com', 'TIMEOUT', 1, 'curl'],
    ],
  );
});

test('lost events are counted, but not lost updates', () => {
  const lost = (where: string, count: number) => ({ type: 'lost', v: 1, stage: 'collector', where, count });
  assert.equal(feed(new Model(), lost('ring buffer', 3), lost('update', 5)).lost, 3);
});

test('its size is bounded whatever the keys, and nothing is lost from the counts', () => {
  const model = new Model();
  const attempts = 20_000;
  for (let i = 0; i < attempts; i++) {
    const daddr = `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
    feed(model, refused(i / 100, { daddr }), nxdomain(i / 100, `n${i}.example.com`));
    if (i % 10 === 0) feed(model, outcome(i / 100, { comm: 'busy' }));
  }
  assert.ok(model.talks.size <= 400 && model.failures.size <= 250 && model.lookups.size <= 250);
  const sum = (rows: Iterable<number>) => [...rows].reduce((a, b) => a + b, 0);
  assert.equal(sum([...model.talks.values()].map(countOf)) + model.other.attempts, model.attempts);
  assert.equal(sum([...model.talks.values()].map(({ failed }) => failed)) + model.other.failed, attempts);
  assert.equal(sum([...model.failures.values()].map(({ count }) => count)) + model.other.failures, attempts);
  assert.equal(sum([...model.lookups.values()].map(({ count }) => count)) + model.other.lookups, attempts);
  const busy = [...model.talks.values()].find(({ who }) => who === 'busy');
  assert.equal(busy && countOf(busy), attempts / 10, 'what has many attempts stays');
});

test('more waiting attempts than it keeps are still counted', () => {
  const model = new Model();
  for (let i = 0; i < 20_010; i++) feed(model, pending(0, 1, { id: `8${i}` }));
  assert.deepEqual([model.waiting.size, model.open], [20_000, 20_010]);
  for (let i = 20_000; i < 20_010; i++) feed(model, outcome(9, { id: `8${i}`, latency_us: 9e6 }));
  assert.equal(model.open, 20_000);
});

test('a copy does not change any more', () => {
  const model = feed(new Model(), outcome(0), refused(1), pending(0, 2, { id: '9003' }), nxdomain(2, 'nope'));
  const copy = model.copy();
  const texts = () =>
    [...copy.talks.values(), ...copy.failures.values(), ...copy.lookups.values()].map(({ key }) => key);
  const before = JSON.stringify([copy, texts(), [...copy.talks.values()]]);
  feed(
    model,
    outcome(3),
    refused(3, { comm: 'wget' }),
    outcome(4, { id: '9003', latency_us: 4e6 }),
    nxdomain(4, 'nope'),
  );
  assert.equal(JSON.stringify([copy, texts(), [...copy.talks.values()]]), before);
  assert.deepEqual([copy.attempts, copy.open, model.attempts, model.open], [3, 1, 5, 0]);
});

test('the newest event of a row is kept, unless it is too long', () => {
  const model = feed(new Model(), outcome(0), outcome(1, { exe: '/bin/curl' }));
  const [talk] = [...model.talks.values()];
  assert.equal(JSON.parse(talk?.event.text as string).exe, '/bin/curl');
  assert.equal(JSON.parse(talk?.event.text as string).ts, at(1));
  feed(model, outcome(2, { own: 'x'.repeat(5_000) }));
  assert.equal(talk?.event.text, '');
});
