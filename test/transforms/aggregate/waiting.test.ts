import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Line } from '../../../schemas/pipe/line/line.js';
import { fields, Key } from '../../../transforms/aggregate/key.js';
import { PendingAttempts } from '../../../transforms/aggregate/pending.js';
import { timeText } from '../../../transforms/aggregate/time.js';
import { aggregate } from '../../../transforms/aggregate.js';
import { ndjson } from '../../support/events.js';
import { runStage } from '../../support/memory.js';
import { at, begin, type Event, type Fields, parse, run, sort, valuesOf } from '../../support/summaries.js';
import { type Attempt, attempts, eventsOf, inOrder, waits } from '../../support/waiting.js';

const attempt = (id: string, pending: number[], end?: number, more: Partial<Attempt> = {}): Attempt => ({
  id,
  comm: 'curl',
  dport: 443,
  host: undefined,
  pending: pending.map((seconds) => seconds * 1e6),
  end: end === undefined ? undefined : end * 1e6,
  failed: false,
  ...more,
});

/** The expected summaries of windows, by comm and dport or overall, computed in the simplest way. */
function expected(all: Attempt[], every: number, step: number, by: boolean): string[] {
  const times = all.flatMap(({ pending, end }) => [...pending, ...(end === undefined ? [] : [end])]);
  if (times.length === 0) return [];
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const floor = (time: number) => Math.floor((begin + time) / step) * step - begin;
  const ends = every
    ? Array.from({ length: 40 }, (_, i) => floor(first) + (1 + i) * step).filter((end) => end <= floor(last) + every)
    : [last + 1];
  // after the window of the last event, only windows that contain an event are written
  return ends.flatMap((end) => {
    const groups = new Map<string, [number, number, number]>();
    const own = floor(last) + step;
    for (const one of all) {
      const group = by ? `${one.comm} ${one.dport}` : ' ';
      const counts = groups.get(group) ?? [0, 0, 0];
      groups.set(group, counts);
      const ended = one.end !== undefined && one.end < end && one.end >= (every ? end - every : 0);
      if (ended) counts[0]++;
      if (ended && one.failed) counts[2]++;
      if (waits(one, end) && (!every || end <= own || times.some((time) => time >= end - every))) counts[1]++;
    }
    return [...groups].flatMap(([group, [count, pending, failed]]) =>
      count + pending === 0
        ? []
        : [[timeText(begin + end), group, count, pending || '', count ? failed : ''].join(' ')],
    );
  });
}

const shown = (text: string) => valuesOf(text, 'end', 'comm', 'dport', 'count', 'pending', 'failed').sort();

test('pending matches a plain count over the same attempts, in any order within the grace', async () => {
  const windows = fc.constantFrom([0, 0], [10e6, 10e6], [7e6, 7e6], [20e6, 5e6]);
  const how = fc.record({
    all: attempts,
    windows,
    by: fc.boolean(),
    jitter: fc.array(fc.nat(900_000), { minLength: 1, maxLength: 50 }),
  });
  await fc.assert(
    fc.asyncProperty(how, async ({ all, windows: [every = 0, step = 0], by, jitter }) => {
      const given = {
        ...(by && { by: 'comm,dport' }),
        measure: 'count,failed',
        ...(every && { every: `${every / 1e6}s`, step: `${step / 1e6}s`, grace: '1s' }),
      };
      const wanted = expected(all, every, step, by).sort();
      const events = inOrder(all);
      assert.deepEqual(shown(await run(given, ndjson(...events))), wanted);
      // each line arrives up to a second after its time, but never an outcome before its attempt's pending events
      const late = new Map<string, number>();
      const came = events.map((event, i) => {
        const key = `${event.id} ${event.host}`;
        const time = Math.max(Date.parse(event.ts) + (jitter[i % jitter.length] as number) / 1e3, late.get(key) ?? 0);
        late.set(key, time);
        return [time, event] as const;
      });
      const mixed = came.sort(([a], [b]) => a - b).map(([, event]) => event);
      assert.deepEqual(shown(await run(given, ndjson(...mixed))), wanted);
    }),
    { numRuns: 200 },
  );
});

test('pending: many lines at once give the same as line by line', async () => {
  await fc.assert(
    fc.asyncProperty(attempts, fc.constantFrom('count', 'count,latency'), async (all, measure) => {
      const given = { by: 'comm,host', every: '5s', measure };
      const bytes = [Buffer.from(ndjson(...inOrder(all)))];
      const single = Object.assign(aggregate(given), { batch: undefined });
      assert.equal((await runStage(aggregate(given), bytes)).out, (await runStage(single, bytes)).out);
    }),
  );
});

test('pending: gauges of hosts add up, and are not summed over windows', async () => {
  const windows = fc.constantFrom<[object, object]>(
    [{}, {}],
    [{ every: '10s' }, { every: '10s' }],
    [{ every: '5s' }, { every: '20s' }],
    [{ every: '5s' }, { every: '20s', step: '5s' }],
    [{ every: '5s' }, {}],
  );
  // each host's input ends with an event at the same time, so that no input ends before the others
  const last = (host?: string) => eventsOf(attempt('9', [], 59.9, { comm: 'last', host }))[0] as Event;
  await fc.assert(
    fc.asyncProperty(attempts, windows, fc.constantFrom('comm,dport', 'comm', ''), async (all, [fine, coarse], by) => {
      const given = { ...(by && { by }), measure: 'count,failed,result' };
      const hosts = [undefined, 'web-1', 'web-2'];
      const inputs = hosts.map((host) => [...inOrder(all.filter((one) => one.host === host)), last(host)]);
      const direct = parse(
        await run({ ...given, ...coarse, ...('every' in coarse && { grace: '1h' }) }, ndjson(...inputs.flat())),
      );
      const grace = 'every' in fine ? { grace: '1h' } : {};
      const parts = await Promise.all(
        inputs.map((events) => run({ ...given, by: 'comm,dport', ...fine, ...grace }, ndjson(...events))),
      );
      const merged = parse(
        await run({ ...given, ...coarse, ...('every' in coarse && { grace: '1h' }) }, parts.join('')),
      );
      if ('every' in fine && !('every' in coarse))
        for (const one of [...direct, ...merged]) for (const name of ['ts', 'end']) delete one[name];
      assert.deepEqual(sort(merged), sort(direct));
    }),
    { numRuns: 100 },
  );
});

test('windows without events are written while attempts wait, but not forever', async () => {
  const hangs = attempt('1', [1], 45);
  const given = { by: 'comm', every: '10s', measure: 'count' };
  assert.deepEqual(valuesOf(await run(given, ndjson(...inOrder([hangs]))), 'ts', 'count', 'pending'), [
    ...[0, 1, 2, 3].map((i) => `${timeText(begin + i * 10e6)} 0 1`),
    `${timeText(begin + 40e6)} 1 `,
  ]);
  const year = 365 * 86400;
  const out = parse(await run(given, ndjson(...inOrder([attempt('1', [1]), attempt('2', [], year)]))));
  assert.equal(out.length, 1 + 1000 + 1);
  assert.deepEqual([out.at(-1)?.count, out.at(-1)?.pending, out.at(-1)?.ts], [1, 1, timeText(begin + year * 1e6)]);
});

test('a socket that tries again with the same ID is counted again', async () => {
  const twice = [attempt('1', [1], 11), attempt('1', [12], 13), attempt('1', [14], 21)].flatMap(eventsOf);
  const out = await run({ every: '10s', grace: '30s', measure: 'count' }, ndjson(...twice));
  assert.deepEqual(valuesOf(out, 'count', 'pending'), ['0 1', '2 1', '1 ']);
});

test('pending by the group of its pending event; no gauge with a step of ts; having, order-by and other', async () => {
  const three = inOrder([
    attempt('1', [1]),
    attempt('2', [2]),
    attempt('3', [3], 4),
    attempt('4', [], 5, { comm: 'node' }),
  ]);
  const by = (given: object) => run({ by: 'comm', measure: 'count', ...given }, ndjson(...three));
  const names = ['comm', 'other', 'count', 'pending', 'each_max'] as const;
  assert.deepEqual(valuesOf(await by({}), ...names), ['curl  1 2 ', 'node  1  ']);
  assert.deepEqual(valuesOf(await by({ having: 'pending > 0' }), ...names), ['curl  1 2 ', ' true 1  1']);
  assert.deepEqual(valuesOf(await by({ orderBy: 'pending', top: 1 }), ...names), ['curl  1 2 ', ' true 1  1']);
  assert.deepEqual(valuesOf(await by({ orderBy: 'comm', top: 1 }), ...names), ['node  1  ', ' true 1 2 2']);
  assert.deepEqual(valuesOf(await by({ by: 'ts:1m,comm' }), ...names), ['curl  1  ', 'node  1  ']);
  assert.deepEqual(valuesOf(await by({ by: 'result' }), 'result', 'count', 'pending'), [
    'established 2 ',
    'pending 0 2',
  ]);
});

test('more attempts than are tracked', () => {
  const waiting = new PendingAttempts(() => Number.POSITIVE_INFINITY, 3);
  const key = new Key(fields('comm'));
  const line = new Line();
  const take = (event: object) => {
    const text = Buffer.from(JSON.stringify(event));
    assert.equal(line.take(text, 0, text.length), undefined);
    key.read(line);
    return line;
  };
  const count = () => {
    let sum = 0;
    waiting.count(1e9, (_, one) => {
      sum += one;
    });
    return sum;
  };
  const events = [1, 2, 3, 4].map((id) => eventsOf(attempt(String(id * 65536), [id], id + 1)));
  assert.deepEqual(
    events.map(([pending]) => waiting.start(take(pending as Event), key, 5)),
    [true, true, true, false],
  );
  assert.equal(waiting.start(take(events[0]?.[0] as Event), key, 5), true);
  assert.equal(count(), 3);
  waiting.end(take(events[3]?.[1] as Event), 9);
  waiting.end(take(events[0]?.[1] as Event), 9);
  assert.equal(count(), 2);
  assert.equal(waiting.start(take(events[3]?.[0] as Event), key, 10), true);
  for (const [, outcome] of events) waiting.end(take(outcome as Event), 11);
  assert.deepEqual([count(), waiting.size], [0, 0]);
});

test('untracked attempts are reported in other, also through a second aggregate', async () => {
  const other: Fields = {
    ...parse(await run({ measure: 'count' }, ndjson(...inOrder([attempt('1', [1])]))))[0],
    by: 'comm',
  };
  const summary = { ...other, other: true, pending: 2, untracked: 5 };
  const out = await run({ by: 'comm', measure: 'count' }, ndjson(summary, summary));
  assert.deepEqual(valuesOf(out, 'other', 'count', 'pending', 'untracked'), ['true 0 4 10']);
});

test('a lost update is not a missing attempt', async () => {
  const lost = (where: string) => ({ type: 'lost', v: 1, stage: 'collector', where, count: 3 });
  const out = await run({ measure: 'count' }, ndjson(at(1), lost('update')));
  assert.deepEqual(valuesOf(out, 'type', 'count', 'lost'), ['lost 3 ', 'summary 1 ']);
  const more = await run({ measure: 'count' }, ndjson(at(1), lost('update'), lost('ring buffer')));
  assert.deepEqual(valuesOf(more, 'type', 'count', 'lost'), ['lost 3 ', 'lost 3 ', 'summary 1 ', 'summary 0 3']);
});

test('connect events that arrive up to 100 ms after their time are not late', async () => {
  const events = Array.from({ length: 2000 }, (_, i) => at(i * 0.02 - (i % 7 === 0 ? 0.1 : 0), { seq: i + 1 }));
  const { out, ledger } = await runStage(aggregate({ every: '10s', measure: 'count' }), [
    Buffer.from(ndjson(...events)),
  ]);
  assert.equal(ledger.lost, 0);
  assert.equal(
    parse(out).reduce((sum, { count }) => sum + (count as number), 0),
    2000,
  );
});
