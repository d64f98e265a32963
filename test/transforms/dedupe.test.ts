import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { timeText } from '../../transforms/aggregate/time.js';
import { dedupe } from '../../transforms/dedupe.js';
import { cut } from '../support/arbitrary.js';
import { connect, ndjson } from '../support/events.js';
import { runStage } from '../support/memory.js';

const begin = Date.UTC(2026, 10, 23, 8) * 1000;
const event = fc.record({
  us: fc.nat(30e6),
  comm: fc.constantFrom('curl', 'node', 'é'),
  dport: fc.constantFrom(80, 443),
  repeat: fc.constantFrom(undefined, undefined, 4),
});
const some = fc
  .array(event, { maxLength: 60 })
  .map((events) =>
    events
      .sort((a, b) => a.us - b.us)
      .map(({ us, ...more }, i) =>
        JSON.parse(JSON.stringify(connect({ ts: timeText(begin + us), seq: i + 1, ...more }))),
      ),
  );
type Event = { seq: number; ts: string; comm: string; dport: number; repeat?: number };
const parse = (text: string): Event[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
const time = ({ ts }: Event) => Date.parse(ts) * 1000 + Number(ts.slice(23, 26));
const total = (events: Event[]) => events.reduce((sum, { repeat = 1 }) => sum + repeat, 0);

test('the output stands for all input events; the first is written at once, and at most two lines per period', async () => {
  const within = fc.constantFrom(1, 5, 100);
  await fc.assert(
    fc.asyncProperty(some, within, fc.constantFrom(1, 3, 1000), async (events, seconds, maxKeys) => {
      const stage = dedupe({ by: 'comm,dport', within: `${seconds}s`, maxKeys });
      const { out, ledger } = await runStage(stage, [Buffer.from(ndjson(...events))]);
      const got = parse(out);
      assert.equal(total(got), total(events));
      assert.equal(ledger.in, events.length);
      const model: Event[] = [];
      if (maxKeys < 1000) return;
      const open = new Map<string, { until: number; last?: Event; times: number }>();
      const end = (held: { last?: Event; times: number }) => {
        if (held.last) model.push({ ...held.last, ...(held.times > 1 && { repeat: held.times }) });
      };
      for (const one of events as Event[]) {
        const key = `${one.comm} ${one.dport}`;
        const held = open.get(key);
        if (held && time(one) < held.until) {
          held.last = one;
          held.times += one.repeat ?? 1;
          continue;
        }
        if (held) end(held);
        open.set(key, { until: time(one) + seconds * 1e6, times: 0 });
        model.push(one);
      }
      for (const held of open.values()) end(held);
      const bySeq = (all: Event[]) => [...all].sort((a, b) => a.seq - b.seq);
      assert.deepEqual(bySeq(got), bySeq(model));
    }),
    { numRuns: 300 },
  );
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
      fc.array(attempt, { maxLength: 30 }),
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
