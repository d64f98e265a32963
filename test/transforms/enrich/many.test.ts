import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { enrich } from '../../../transforms/enrich.js';
import { anyLine, inOrder } from '../../support/arbitrary.js';
import { connect, ndjson } from '../../support/events.js';
import { runStage } from '../../support/memory.js';
import { folder } from '../../support/process.js';

type Given = Parameters<typeof enrich>[0];

/** The same stage, fed one line at a time. */
function oneByOne(given: Given) {
  return Object.assign(enrich(given), { batch: undefined as never });
}

const ts = (second: number, micros = 500_000) => `2026-11-23T08:15:${second}.${String(micros).padStart(6, '0')}Z`;
const line = fc
  .record({
    second: fc.integer({ min: 10, max: 59 }),
    micros: fc.nat(999_999),
    daddr: fc.constantFrom('192.0.2.1', '192.0.2.2', '10.0.0.1', '2001:db8::7', '192.0.2.1', '192.0.2.1'),
    dport: fc.constantFrom(22, 443, 9999),
    latency: fc.constantFrom(undefined, 1, 2_500_000),
    start: fc.constantFrom(undefined, ts(25), ts(41)),
    waits: fc.boolean(),
    more: fc.constantFrom({}, {}, {}, { uid: 0 }, { uid: 1, netns: 1 }, { name: 'own.example' }, { user: 'mine' }),
    form: fc.constantFrom('', '', '', '', '', ' ', '\r', 'team', 'other'),
  })
  .map(({ second, micros, latency, start, waits, more, form, ...fields }) => {
    const event = connect({ ts: ts(second, micros), family: fields.daddr.includes(':') ? 6 : 4, ...fields, ...more });
    const ended = { ...event, type: 'outcome', result: 'established', latency_us: latency };
    const waiting = { ...event, type: 'pending', result: 'pending', waited_us: latency };
    const made = inOrder({
      ...(latency === undefined ? event : waits && start ? waiting : ended),
      ...(latency && start && { start }),
    });
    if (form === 'team' || form === 'other') return JSON.stringify({ ...made, [form]: 'own' });
    return JSON.stringify(made) + form;
  });
const answer = fc
  .record({ second: fc.integer({ min: 10, max: 40 }), name: fc.constantFrom('www.example', 'api.example') })
  .map(({ second, name }) => JSON.stringify({ type: 'dns', v: 1, ts: ts(second), name, addrs: ['192.0.2.1'], ttl: 3 }));
const lines = fc.array(
  fc.oneof({ weight: 12, arbitrary: line }, { weight: 3, arbitrary: answer }, { weight: 1, arbitrary: anyLine }),
  { maxLength: 60, size: '+1' },
);

test('many lines at once get the same as one by one', async (t) => {
  const etc = folder(t);
  writeFileSync(join(etc, 'hosts'), '192.0.2.2 one.example uno\n2001:db8::7 seven.example\n');
  writeFileSync(join(etc, 'passwd'), 'root:x:0:\ndaemon:x:1:\n');
  writeFileSync(join(etc, 'services'), 'https 443/tcp\nssh 22/tcp\n');
  const map = join(etc, 'map.csv');
  writeFileSync(map, 'cidr,team\n192.0.2.0/24,web\n');
  const all: Given[] = [
    { offline: true, etc },
    { offline: true, etc, with: 'names,service,user,host', host: 'h', map, minTtl: '0', maxTtl: '0' } as never,
    { offline: true, etc, with: 'service,user', map } as never,
    { offline: true, etc, with: 'names', cache: '1' } as never,
  ];
  for (const given of all) {
    await fc.assert(
      fc.asyncProperty(lines, async (lines) => {
        const input = [Buffer.from([...lines, ...lines, ...lines].map((one) => `${one}\n`).join(''))];
        const [many, one] = [enrich(given), oneByOne(given)];
        assert.deepEqual(await runStage(many, input), await runStage(one, input));
        assert.deepEqual(many.observe?.counts?.(), one.observe?.counts?.());
      }),
      { numRuns: 12 },
    );
  }
});

test('more texts than are cached, and more lines than one chunk: each gets its own', async () => {
  const events = Array.from({ length: 30_000 }, (_, i) =>
    connect({ seq: i + 1, daddr: `10.0.${(i % 7_000) >> 8}.${(i % 7_000) & 255}`, dport: 1 + (i % 7_000) }),
  );
  const { out, ledger } = await runStage(
    enrich({ offline: true, with: 'service,host', host: 'h', cache: '100' } as never),
    [Buffer.from(ndjson(...events))],
  );
  const found = out.split('\n').slice(0, -1);
  assert.equal(found.length, events.length);
  for (const [i, text] of found.entries()) {
    const { host, service, ...event }: Record<string, unknown> = JSON.parse(text);
    assert.deepEqual(event, events[i]);
    assert.equal(host, 'h');
    if (event.dport === 443) assert.equal(service, 'https');
  }
  assert.equal(ledger.out, events.length);
});
