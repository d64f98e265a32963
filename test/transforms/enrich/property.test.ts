import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { enrich } from '../../../transforms/enrich.js';
import { anyLine, cut } from '../../support/arbitrary.js';
import { connect } from '../../support/events.js';
import { runStage } from '../../support/memory.js';
import { folder } from '../../support/process.js';
import { answer, responder } from '../../support/responder.js';

const lines = (text: string) => text.split('\n').slice(0, -1);
const ownLost = (line: string) => /"type":"lost".*"stage":"enrich"/.test(line);

/** A folder for --etc, and a map. */
function files(t: TestContext) {
  const dir = folder(t);
  writeFileSync(join(dir, 'hosts'), '192.0.2.1 one.example uno\n2001:db8::7 seven.example\n');
  writeFileSync(join(dir, 'passwd'), 'root:x:0:\ndaemon:x:1:\n');
  writeFileSync(join(dir, 'services'), 'https 443/tcp\nssh 22/tcp\n');
  const map = join(dir, 'map.csv');
  writeFileSync(map, 'cidr,team\n192.0.2.0/24,web\n10.0.0.0/8,db\n');
  return { etc: dir, map };
}

const wire = fc
  .record({
    second: fc.integer({ min: 10, max: 50 }),
    name: fc.constantFrom('www.example', 'api.example'),
    addr: fc.constantFrom('192.0.2.1', '10.0.0.1', '2001:db8::7'),
    netns: fc.constantFrom(1, 2),
  })
  .map(({ second, name, addr, netns }) => {
    const ts = `2026-11-23T08:15:${second}.000000Z`;
    return JSON.stringify({ type: 'dns', v: 1, ts, netns, name, addrs: [addr], ttl: 0 });
  });
const attempt = fc
  .record({
    second: fc.integer({ min: 10, max: 59 }),
    daddr: fc.constantFrom('192.0.2.1', '192.0.2.2', '10.0.0.1', '2001:db8::7'),
    dport: fc.constantFrom(22, 443, 9999),
    more: fc.constantFrom(
      {},
      {},
      {},
      { uid: 0 },
      { uid: 1, netns: 1 },
      { name: 'own.example' },
      { user: 'mine' },
      { team: 'x' },
      { host: 'y' },
    ),
  })
  .map(({ second, more, ...fields }) =>
    JSON.stringify(
      connect({
        ts: `2026-11-23T08:15:${second}.500000Z`,
        family: fields.daddr.includes(':') ? 6 : 4,
        ...fields,
        ...more,
      } as never),
    ),
  );
const mixed = fc.array(
  fc.oneof({ weight: 4, arbitrary: attempt }, { weight: 1, arbitrary: wire }, { weight: 1, arbitrary: anyLine }),
  {
    maxLength: 30,
  },
);

test('without look-ups, lines together get what each gets alone, in order, and the ledger adds up', async (t) => {
  const given = { offline: true, minTtl: 0, maxTtl: 0, with: 'names,service,user,host', host: 'h', ...files(t) };
  const input = mixed.chain((all) => {
    const bytes = Buffer.from(all.map((line) => `${line}\n`).join(''));
    return fc.record({ all: fc.constant(all), pieces: cut(bytes) });
  });
  await fc.assert(
    fc.asyncProperty(input, async ({ all, pieces }) => {
      const { out, ledger } = await runStage(enrich(given), pieces);
      const alone: string[] = [];
      for (const [i, line] of all.entries()) {
        const before = all.slice(0, i).filter((one) => one.startsWith('{"type":"dns"'));
        const run = await runStage(enrich(given), [Buffer.from([...before, line].map((one) => `${one}\n`).join(''))]);
        alone.push(...lines(run.out).filter((one) => !ownLost(one)));
      }
      assert.deepEqual(
        lines(out).filter((one) => !ownLost(one)),
        alone,
      );
      assert.equal(ledger.in, ledger.out + ledger.filtered + ledger.invalid);
    }),
    { numRuns: 25 },
  );
});

test('with a slow, failing, lying, lossy server, every event is written once, in order, with a right name or none', async (t) => {
  const server = await responder(t);
  server.reply = async (query) => {
    const name = query.questions?.[0]?.name as string;
    const kind = Number(name.split('.')[0]) % 6;
    if (kind === 0) return [];
    if (kind === 1) return [answer(query, [], { rcode: 2 })];
    if (kind === 2) return [answer(query, [{ data: 'wrong.example' }], { name: '1.1.1.1.in-addr.arpa' })];
    await sleep(kind * 4);
    const right = answer(query, [{ data: `host-${name.split('.')[0]}.example` }]);
    return kind === 5 ? [right, right] : [right];
  };
  let named = 0;
  const input = fc.record({
    last: fc.array(fc.nat(40), { maxLength: 300, size: 'max' }),
    wait: fc.constantFrom('0ms', '1ms', '5ms', '20ms', '100ms'),
    concurrency: fc.constantFrom(1, 4, 64),
    cache: fc.constantFrom(1, 10, 1000),
  });
  await fc.assert(
    fc.asyncProperty(input, async ({ last, ...given }) => {
      const events = last.map((n, i) => connect({ seq: i + 1, daddr: `198.51.100.${n}` }));
      const bytes = Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join(''));
      const stage = enrich({ resolver: server.address, with: 'names', timeout: '30ms', etc: '/nonexistent', ...given });
      const { out } = await runStage(stage, [bytes]);
      const got = lines(out).map((line) => JSON.parse(line));
      assert.deepEqual(
        got.map(({ seq }) => seq),
        events.map(({ seq }) => seq),
      );
      for (const [i, { name }] of got.entries()) {
        if (name === undefined) continue;
        assert.equal(name, `host-${last[i]}.example`);
        named++;
      }
    }),
    { numRuns: 25 },
  );
  assert.ok(named > 0, 'some got a name');
});
