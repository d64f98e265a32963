import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { timeText } from '../../transforms/aggregate/time.js';
import { dedupe } from '../../transforms/dedupe.js';
import { cut, inOrder } from '../support/arbitrary.js';
import { connect, ndjson } from '../support/events.js';
import { generate } from '../support/generate.js';
import { runStage } from '../support/memory.js';

const begin = Date.UTC(2026, 10, 23, 8) * 1000;
const event = fc.record({
  us: fc.nat(30e6),
  comm: fc.constantFrom('curl', 'node', 'é'),
  dport: fc.constantFrom(80, 443),
  repeat: fc.constantFrom(undefined, undefined, 4),
});
const some = fc
  .array(event, { maxLength: 60, size: 'max' })
  .map((events) =>
    events
      .sort((a, b) => a.us - b.us)
      .map(({ us, ...more }, i) =>
        JSON.parse(JSON.stringify(connect({ ts: timeText(begin + us), seq: i + 1, ...more }))),
      ),
  );
type Event = { ts: string; repeat?: number };
const time = ({ ts }: Event) => Date.parse(ts) * 1000 + Number(ts.slice(23, 26));
const total = (events: Event[]) => events.reduce((sum, { repeat = 1 }) => sum + repeat, 0);

/** The lines that dedupe writes, and how many it holds back, for events of one clock whose times are within its bounds. */
function expected(lines: readonly string[], by: readonly string[], within: number, most: number) {
  const out: string[] = [];
  let filtered = 0;
  const held = new Map<string, { since: number; times: number; last?: string }>();
  const pending = new Set<string>();
  let newest = Number.NEGATIVE_INFINITY;
  const end = (key: string) => {
    const { times, last = '' } = held.get(key) as { times: number; last?: string };
    held.delete(key);
    const { repeat: _, ...event } = JSON.parse(last || '{}');
    if (times > 0) out.push(times === 1 ? last : JSON.stringify({ ...event, repeat: times }));
  };
  for (const line of lines) {
    const one = JSON.parse(line);
    newest = Math.max(newest, time(one));
    for (const [key, { since }] of held) {
      if (since + within > newest) break;
      end(key);
    }
    if (one.type === 'pending') pending.add(one.id);
    if (pending.size > most) pending.delete([...pending][0] as string);
    if (one.type === 'pending' || (one.type === 'outcome' && pending.delete(one.id))) {
      out.push(line);
      continue;
    }
    const key = JSON.stringify([one.type, ...by.map((name) => one[name])]);
    const same = held.get(key);
    if (same && Math.abs(time(one) - same.since) < within) {
      same.times += one.repeat ?? 1;
      same.last = line;
      filtered++;
      continue;
    }
    if (same) end(key);
    held.set(key, { since: time(one), times: 0 });
    out.push(line);
    if (held.size > most) end([...held.keys()][0] as string);
  }
  for (const key of [...held.keys()]) end(key);
  return { out, filtered };
}

const attempt = fc.record({
  us: fc.nat(30e6),
  lag: fc.constantFrom(0, 0, 0, 0, 2e6),
  id: fc.nat(15).map(String),
  comm: fc.constantFrom('curl', 'node', 'é', 'a "b"'),
  daddr: fc.constantFrom('192.0.2.1', '192.0.2.2', '2001:db8::1'),
  dport: fc.constantFrom(80, 443),
  ending: fc.constantFrom(
    ...[{}, { type: 'outcome', result: 'established', latency_us: 5 }],
    { type: 'outcome', result: 'refused', errno: 111, error: 'ECONNREFUSED', latency_us: 7 },
    { type: 'pending', start: '2026-11-23T08:00:00.000000Z', result: 'pending', waited_us: 1 },
  ),
  repeat: fc.constantFrom(undefined, undefined, undefined, undefined, 4),
  spelling: fc.constantFrom('canonical', 'canonical', 'canonical', 'blanks', 'escaped', 'own'),
});
const lines = fc.array(attempt, { maxLength: 300, size: 'max' }).map((all) =>
  all
    .sort((a, b) => a.us - b.us)
    .map(({ us, lag, ending, repeat, spelling, ...more }, i) => {
      const family = more.daddr.includes(':') ? 6 : 4;
      const values = { seq: i + 1, ts: timeText(begin + us - lag), family, ...more, ...ending };
      const text = JSON.stringify(inOrder({ ...connect(values as never), ...(repeat && { repeat }) }));
      if (spelling === 'blanks') return text.replaceAll(',"', ', "');
      if (spelling === 'escaped') return text.replace('"comm":"c', '"comm":"\\u0063');
      return spelling === 'own' ? text.replace(/}$/, ',"team":1}') : text;
    }),
);
const someKeys = fc.constantFrom('comm,daddr,dport,result,error', 'comm,dport', 'daddr', 'dport,team');

test('it passes what a simple model passes, in the same order', async () => {
  const [within, most] = [fc.constantFrom(1, 5, 100), fc.constantFrom(1, 3, 10, 1000)];
  await fc.assert(
    fc.asyncProperty(lines, someKeys, within, most, fc.boolean(), async (lines, by, seconds, maxKeys, many) => {
      const stage = dedupe({ by: by.replace('team', '.team'), within: `${seconds}s`, maxKeys });
      if (!many) Object.assign(stage, { batch: undefined });
      const { out, ledger } = await runStage(stage, [Buffer.from(lines.map((line) => `${line}\n`).join(''))]);
      const model = expected(lines, by.split(','), seconds * 1e6, maxKeys);
      const same = (text: string) => JSON.stringify(JSON.parse(text));
      const got = out.split('\n').slice(0, -1);
      assert.deepEqual(got.map(same), model.out.map(same));
      assert.deepEqual([ledger.in, ledger.out, ledger.filtered], [lines.length, got.length, model.filtered]);
    }),
    { numRuns: 200 },
  );
});

test('it passes what a simple model passes, with many more keys than it may remember', async () => {
  const lines = [...generate({ count: 30_000, addresses: 5_000, seconds: 60 })];
  const bytes = Buffer.from(`${lines.join('\n')}\n`);
  const pieces = Array.from({ length: Math.ceil(bytes.length / 5e4) }, (_, i) =>
    bytes.subarray(i * 5e4, (i + 1) * 5e4),
  );
  for (const maxKeys of [1000, 100_000]) {
    const { out } = await runStage(dedupe({ maxKeys }), pieces);
    const model = expected(lines, ['comm', 'daddr', 'dport', 'result', 'error'], 10e6, maxKeys);
    assert.ok(model.filtered > 0);
    assert.ok(out === model.out.map((line) => `${line}\n`).join(''), `${maxKeys} keys: other lines`);
  }
});

test('many lines at once give the same as line by line, also if more is due than fits into the output', async () => {
  const lines = [...generate({ count: 20_000, addresses: 300 })].map((line, at) => {
    const ts = timeText(begin + (at < 15_000 ? 0 : 20e6) + at);
    return line.replace(/"ts":"[^"]*"/, `"ts":"${ts}"`).replace(/}$/, `,"note":"${'x'.repeat(500)}"}`);
  });
  const input = [Buffer.from(`${lines.join('\n')}\n`)];
  const [all, single] = [dedupe({ by: 'daddr,dport,comm' }), dedupe({ by: 'daddr,dport,comm' })];
  const [many, one] = [await runStage(all, input), await runStage(Object.assign(single, { batch: undefined }), input)];
  assert.ok(many.ledger.out < many.ledger.in);
  assert.ok(many.out === one.out);
});

test('input cut anywhere gives the same result', async () => {
  const pieces = some
    .map((events) => Buffer.from(ndjson(...events)))
    .chain((bytes) => fc.tuple(fc.constant(bytes), cut(bytes)));
  await fc.assert(
    fc.asyncProperty(pieces, async ([bytes, pieces]) => {
      assert.deepEqual(
        await runStage(dedupe({ within: '3s' }), pieces),
        await runStage(dedupe({ within: '3s' }), [bytes]),
      );
    }),
  );
});

test('attempts reported as pending each keep their own outcome, and the sum is unchanged', async () => {
  const attempt = fc.record({ comm: fc.constantFrom('curl', 'node'), updates: fc.nat(2), ends: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(
      fc.array(attempt, { maxLength: 30, size: 'max' }),
      fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
      async (attempts, next) => {
        const lines = attempts.flatMap(({ comm, updates, ends }, at) => {
          const same = { id: String(at), comm, start: '2026-11-23T08:15:30.000000Z' };
          const pending = connect({ type: 'pending', ...same, result: 'pending', waited_us: 1 } as never);
          const outcome = connect({ type: 'outcome', ...same, result: 'timeout', latency_us: 2 } as never);
          const place = next.next().value as number;
          const all = [...Array<object>(updates).fill(pending), ...(ends ? [outcome] : [])];
          return all.map((event, i) => ({ event, place: place + i / 10 }));
        });
        const events = lines.sort((a, b) => a.place - b.place).map(({ event }) => event);
        const { out } = await runStage(dedupe({}), [Buffer.from(ndjson(...events))]);
        const got = out
          .split('\n')
          .slice(0, -1)
          .map((line) => JSON.parse(line));
        assert.equal(
          got.filter(({ type }) => type === 'pending').length,
          attempts.reduce((sum, { updates }) => sum + updates, 0),
        );
        const outcomes = got.filter(({ type }) => type === 'outcome');
        assert.equal(total(outcomes), attempts.filter(({ ends }) => ends).length);
        for (const [at, { updates, ends }] of attempts.entries()) {
          if (updates === 0 || !ends) continue;
          const own = outcomes.filter(({ id }) => id === String(at));
          assert.deepEqual(
            own.map(({ repeat }) => repeat),
            [undefined],
          );
        }
      },
    ),
  );
});
