import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { type TestContext, test } from 'node:test';
import { enrich } from '../../../transforms/enrich.js';
import { connect, ndjson } from '../../support/events.js';
import { runStage } from '../../support/memory.js';
import { nameserver } from './nameserver.js';

/** The fields that each address gets, with enough time for the look-ups. */
async function namesOf(given: object, ...addresses: string[]): Promise<Record<string, unknown>[]> {
  const events = addresses.map((daddr) => connect({ daddr, family: daddr.includes(':') ? 6 : 4 }));
  const stage = enrich({ with: 'names', wait: '30000ms', etc: '/nonexistent', ...given } as never);
  const { out, ledger } = await runStage(stage, [Buffer.from(ndjson(...events))], true);
  assert.equal(ledger.out, addresses.length);
  const lines = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const { unnamed } = lines.at(-1);
  return lines.slice(1, -1).map(({ daddr, ...event }, i) => {
    assert.equal(daddr, addresses[i], 'order is kept');
    const added = Object.fromEntries(Object.entries(event).filter(([key]) => /name/.test(key)));
    return Object.keys(added).length > 0 ? added : { unnamed };
  });
}

/** A proxy that delays queries to the server on `port` of loopback by `delay` milliseconds. Returns its address. */
async function slow(t: TestContext, port: number, delay: number): Promise<string> {
  const [front, behind] = [createSocket('udp4'), createSocket('udp4')];
  const asked = new Map<number, number>(); // the asker's port, by query ID
  const late = new Set<NodeJS.Timeout>();
  t.after(() => {
    for (const timer of late) clearTimeout(timer);
    front.close();
    behind.close();
  });
  front.on('message', (query, from) => {
    asked.set(query.readUInt16BE(0), from.port);
    late.add(setTimeout(() => behind.send(query, port, '127.0.0.1'), delay));
  });
  behind.on('message', (reply) => front.send(reply, asked.get(reply.readUInt16BE(0)), '127.0.0.1'));
  await new Promise<void>((resolve) => front.bind(0, '127.0.0.1', resolve));
  return `127.0.0.1:${front.address().port}`;
}

test('a real server: one name, several names, no name, aliases, IPv6', async (t) => {
  const { resolver } = await nameserver(t);
  assert.deepEqual(await namesOf({ resolver }, '192.0.2.1', '192.0.2.2', '192.0.2.3', '2001:db8::7', '192.0.2.1'), [
    { name: 'one.example', name_source: 'ptr' },
    { name: 'a.example', name_source: 'ptr', names: ['a.example', 'b.example'] },
    { name: 'three.example', name_source: 'ptr' },
    { name: 'seven.example', name_source: 'ptr' },
    { name: 'one.example', name_source: 'ptr' },
  ]);
  for (const none of ['192.0.2.77', '192.0.2.8', '192.0.2.10']) {
    assert.deepEqual(await namesOf({ resolver }, none), [{ unnamed: { none: 1 } }], none);
  }
});

test('a server that fails, refuses, or only knows another name', async (t) => {
  const { resolver } = await nameserver(t);
  for (const failed of ['203.0.113.1', '198.51.100.1', '192.0.2.65']) {
    assert.deepEqual(await namesOf({ resolver }, failed), [{ unnamed: { failed: 1 } }], failed);
  }
});

test('a slow server: events that wait get the name, others pass without', async (t) => {
  const { resolver: real } = await nameserver(t);
  const resolver = await slow(t, Number(real.split(':')[1]), 150);
  const [one] = await namesOf({ resolver }, '192.0.2.1');
  assert.deepEqual(one, { name: 'one.example', name_source: 'ptr' });
  assert.deepEqual(await namesOf({ resolver, wait: '1ms' }, '192.0.2.1'), [{ unnamed: { late: 1 } }]);
});

test('an answer too long for a datagram is read over TCP; at most eight of many names are kept', async (t) => {
  const { resolver } = await nameserver(t);
  const [added] = await namesOf({ resolver }, '192.0.2.6');
  assert.deepEqual(
    added?.names,
    Array.from({ length: 8 }, (_, i) => `many-00${i}.example`),
  );
});

test('hostile bytes in names are escaped', async (t) => {
  const { resolver } = await nameserver(t);
  const added = await namesOf({ resolver }, '192.0.2.4', '192.0.2.5');
  assert.deepEqual(added, [
    { name: 'evil\\027[31m\\010\\000\\200\\\\.example', name_source: 'ptr' },
    { name: `${'l'.repeat(63)}.${'o'.repeat(63)}.${'n'.repeat(63)}.${'g'.repeat(53)}.example`, name_source: 'ptr' },
  ]);
});

test('--verify marks a name that resolves to the address, and prefers it', async (t) => {
  const { resolver } = await nameserver(t);
  const given = { resolver, verify: true };
  assert.deepEqual(await namesOf(given, '192.0.2.1', '192.0.2.2', '192.0.2.9', '2001:db8::7', '192.0.2.4'), [
    { name: 'one.example', name_source: 'ptr', name_verified: true },
    { name: 'b.example', name_source: 'ptr', name_verified: true, names: ['b.example', 'a.example'] },
    { name: 'liar.example', name_source: 'ptr' },
    { name: 'seven.example', name_source: 'ptr', name_verified: true },
    { name: 'evil\\027[31m\\010\\000\\200\\\\.example', name_source: 'ptr' },
  ]);
});
