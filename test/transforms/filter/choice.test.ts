import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { attemptTypes } from '../../../schemas/attempts.js';
import type { CompiledFilter } from '../../../schemas/pipe/scan/compiled-filter.js';
import type { Stage } from '../../../schemas/pipe/stage/stage.js';
import { addresses } from '../../../schemas/where/match.js';
import { filter } from '../../../transforms/filter.js';
import { anyLine, eventOf, schemaOf } from '../../support/arbitrary.js';
import { connect } from '../../support/events.js';
import { dns, lookups } from '../../support/lookups.js';
import { runStage } from '../../support/memory.js';

const schemaLine = fc
  .oneof(...[...attemptTypes, 'dns'].map((type) => eventOf(schemaOf(type))))
  .map((event) => JSON.stringify(event));
const oddAddress = fc
  .oneof(
    fc.constantFrom('::ffff:10.1.2.3', '::ffff:a01:203', '::', '::1', '1::', '1:2:3:4:5:6:7::', '::2:3:4:5:6:7:8'),
    fc.constantFrom('64:ff9b::10.1.2.3', 'FD00::A', '1:2:3:4:5:6:10.0.0.1', '0:0:0:0:0:FFFF:7f00:1', '127.0.0.1'),
    fc.ipV6(),
    fc.ipV4(),
  )
  .map((daddr) => JSON.stringify(connect({ daddr, family: daddr.includes(':') ? 6 : 4 })));
const odd = fc.constantFrom(
  '{"type":"connect","v":1,"seq":9007199254740991,"ts":"2026-11-23T08:15:30.123456Z","id":"1","pid":1,"comm":"curl","family":4,"daddr":"10.0.0.1","dport":443,"via":"connect","team":"red"}',
  JSON.stringify({ team: 'red', ...connect() }),
  JSON.stringify(connect({ comm: 'x'.repeat(60) })),
  JSON.stringify(connect({ comm: 'tab\t"é' })),
);
const named = fc
  .record({
    name: fc.constantFrom(undefined, 'a.example', '10.0.0.1', 'x'.repeat(70)),
    dest: fc.constantFrom(undefined, undefined, 'b.example'),
  })
  .map((more) => JSON.stringify(connect(more as object)));
const lookup = lookups.map(([first = dns()]) => JSON.stringify(first));
const lines = fc.array(fc.oneof(anyLine, anyLine, schemaLine, oddAddress, odd, named, lookup), { maxLength: 60 });

const conditions = [
  { dport: '443' },
  { dport: '22,80-442,65535', notPid: '0-1' },
  { comm: ['curl', '/^x/'] },
  { notComm: 'n*' },
  { daddr: '10.0.0.0/8,::/3' },
  { notDaddr: '0.0.0.0/0' },
  { daddr: '::ffff:0:0/96' },
  { daddr: '::/0', excludeLoopback: true },
  { excludePrivate: true },
  { failed: true },
  { notFailed: true, family: '4' },
  { latencyOver: '100ms' },
  { result: 'refused,established' },
  { result: 'pending,refused', notPending: true },
  { notPending: true },
  { pending: true, notIcmp: 'port-unreachable' },
  { icmpFrom: '192.0.2.0/24,::/1' },
  { where: 'waited_us > 2s or start < 2026-11-23T08:15:30Z' },
  { where: 'type == pending or type == outcome and existing' },
  { where: 'uid != 0 and pid < 2.5' },
  { where: 'not uid == 0 or (dport >= 81 and not comm == curl)' },
  { where: '.team == red' },
  { where: 'not .team' },
  { where: 'seq > 9007199254740990' },
  { where: 'names == "a" or name' },
  { where: 'names != "a"', invert: true },
  { where: 'daddr not in (10.0.0.0/8, fd00::/8)' },
  { where: 'ts > 2026-11-23T08:15:30Z' },
  { where: 'dest == a.example' },
  { where: 'dest in (10.0.0.0/8, b.example)' },
  { where: 'not dest =~ /^A/i' },
  { where: 'dest != a.example and dest' },
  { keepDns: true, notComm: 'curl' },
  { type: 'dns', failed: true },
  { type: 'dns', notFailed: true, notComm: 'node' },
  { type: 'dns,outcome', error: 'NXDOMAIN,ECONNREFUSED', failed: true },
  { type: 'connect,outcome,pending,dns', where: 'qtype == A or dport == 443' },
  { type: 'dns', where: 'dest == a.example or search' },
];

/** Without the message at the end about inputs that have no outcomes. */
const quiet = (stage: Stage): Stage => ({ ...stage, finish: () => false });
/** The same stage, evaluated line by line. */
const oneByOne = (stage: Stage): Stage => ({ ...stage, batch: undefined });

test('many lines at once are selected as one by one', async () => {
  for (const condition of conditions) {
    await fc.assert(
      fc.asyncProperty(lines, fc.boolean(), async (lines, invert) => {
        const input = [Buffer.from([...lines, ...lines].map((line) => `${line}\n`).join(''))];
        const given = { ...condition, ...(invert && { invert }) } as never;
        assert.deepEqual(
          await runStage(quiet(filter(given)), input),
          await runStage(oneByOne(quiet(filter(given))), input),
        );
      }),
      { numRuns: 15 },
    );
  }
});

test('the choice records which types of lines it was asked about, including those that it drops', async () => {
  const rest = { family: 4, daddr: '192.0.2.1', dport: 443, via: 'connect' };
  const start = '2026-11-23T08:15:29.123456Z';
  const { ts, v, seq, id } = connect();
  const lines = new Map([
    ['connect', JSON.stringify(connect())],
    ['outcome', JSON.stringify({ type: 'outcome', v, seq, ts, id, ...rest, result: 'refused', latency_us: 7 })],
    ['pending', JSON.stringify({ type: 'pending', v, seq, ts, start, id, ...rest, result: 'pending', waited_us: 7 })],
  ]);
  for (let subset = 0; subset < 8; subset++) {
    const types = attemptTypes.filter((_, at) => (subset >> at) & 1);
    const stage = filter({ dport: '22' });
    await runStage(stage, [Buffer.from(types.map((type) => `${lines.get(type)}\n`).join(''))]);
    for (const type of attemptTypes)
      assert.equal((stage.batch as CompiledFilter | undefined)?.saw(type), types.includes(type), `${type} of ${types}`);
  }
});

test('many lines, in more than one chunk: runs of lines, and single ones', async () => {
  const ports = Array.from({ length: 5_000 }, (_, i) => (i * i * 7919) % 1000);
  const bytes = Buffer.from(ports.map((dport, i) => `${JSON.stringify(connect({ dport, seq: i + 1 }))}\n`).join(''));
  const pieces = [bytes.subarray(0, 100_001), bytes.subarray(100_001, 700_000), bytes.subarray(700_000)];
  for (const dport of ['0-499', '999', '0-998', '500']) {
    const { out, ledger } = await runStage(filter({ dport }), pieces);
    const [first, last = first] = dport.split('-').map(Number) as [number, number?];
    const passed = ports.flatMap((port, seq) => (port >= first && port <= last ? [seq + 1] : []));
    const found = out.split('\n').slice(0, -1);
    assert.deepEqual(
      found.map((line) => JSON.parse(line).seq),
      passed,
    );
    assert.deepEqual(
      { in: ledger.in, out: ledger.out, filtered: ledger.filtered },
      { in: 5000, out: passed.length, filtered: 5000 - passed.length },
    );
  }
});

test('conditions on numbers and addresses alone are evaluated without JavaScript', () => {
  for (const given of [{ dport: '443' }, { daddr: '10.0.0.0/8' }, { failed: true }, { notUid: '0', family: '4' }]) {
    assert.ok(filter(given as never).batch, JSON.stringify(given));
  }
  assert.equal(filter({ where: 'ts > 2026-11-23T08:15:30Z' }).batch, undefined);
  assert.deepEqual(addresses('10.0.0.0/8').networks?.[0]?.prefix, 104);
});
