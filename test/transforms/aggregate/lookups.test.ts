import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Dns } from '../../../schemas/generated/events.js';
import { ndjson } from '../../support/events.js';
import { dns, lookups } from '../../support/lookups.js';
import { parse, run, some, sort } from '../../support/summaries.js';

const measure = 'count,failed,latency,first,last,distinct:name';

/** The expected values of a group, computed directly. */
function expected(events: Dns[]) {
  const times = ({ repeat = 1 }: Dns) => repeat;
  const sum = (all: Dns[]) => all.reduce((total, one) => total + times(one), 0);
  const latencies = events.flatMap((one) => (one.latency_us === undefined ? [] : [one]));
  return {
    count: sum(events),
    failed: sum(events.filter(({ error, search }) => error !== undefined && !search)),
    least: latencies.length > 0 ? Math.min(...latencies.map(({ latency_us = 0 }) => latency_us)) : undefined,
    mean:
      latencies.length > 0
        ? Math.round(latencies.reduce((total, one) => total + (one.latency_us ?? 0) * times(one), 0) / sum(latencies))
        : undefined,
  };
}

test('look-ups are counted; failures that a search list makes normal do not count as failures', async () => {
  await fc.assert(
    fc.asyncProperty(lookups, async (events) => {
      const groups = new Map<string, Dns[]>();
      for (const event of events) {
        const key = JSON.stringify([event.name, event.error ?? null]);
        groups.set(key, [...(groups.get(key) ?? []), event]);
      }
      const got = parse(await run({ type: 'dns', by: 'name,error', measure }, ndjson(...events)));
      assert.equal(got.length, groups.size);
      for (const one of got) {
        const { count, failed, least, mean } = expected(
          groups.get(JSON.stringify([one.name, one.error ?? null])) as Dns[],
        );
        assert.deepEqual(
          [one.events, one.count, one.failed, one.latency_min_us, one.latency_mean_us],
          ['dns', count, failed, least, mean],
        );
      }
    }),
  );
});

test('aggregates of look-ups add up to the aggregate of all, and never mix with those of attempts', async () => {
  const windows = fc.constantFrom({}, { every: '10s', grace: '1h' });
  await fc.assert(
    fc.asyncProperty(lookups, lookups, some, windows, async (one, two, attempts, window) => {
      const given = { type: 'dns', measure, ...window };
      const parts = await Promise.all(
        [one, two].map((all) => run({ ...given, by: 'comm,name,error' }, ndjson(...all))),
      );
      const ofAttempts = await run({ by: 'comm', ...window }, ndjson(...attempts));
      const whole = await run({ ...given, by: 'error,comm' }, ndjson(...one, ...two));
      const merged = await run({ ...given, by: 'error,comm' }, parts.join(''));
      assert.deepEqual(sort(parse(merged)), sort(parse(whole)));
      // aggregates of the other kind pass unchanged
      const text = parts.join('') + ofAttempts;
      assert.ok((await run({ ...given, by: 'error,comm' }, text)).startsWith(ofAttempts));
      assert.deepEqual(
        sort(parse(await run({ by: 'comm', ...window }, text))),
        sort([...parse(parts.join('')), ...parse(await run({ by: 'comm', ...window }, ofAttempts))]),
      );
    }),
    { numRuns: 60 },
  );
});

const lost = (where: string, stage = 'collector') => ({ type: 'lost', v: 1, stage, where, count: 3 });

test('look-ups and attempts each count only their own losses', async () => {
  const text = ndjson(dns(), lost('dns ring buffer'), lost('ring buffer'), lost('invalid', 'filter'));
  const [, other] = parse(await run({ type: 'dns', measure: 'count', by: 'name' }, text)).filter(
    ({ type }) => type === 'summary',
  );
  assert.deepEqual([other?.lost, other?.invalid], [3, 3]);
  const attempts = parse(await run({ measure: 'count', by: 'name' }, ndjson(lost('dns answer'), lost('ring buffer'))));
  assert.deepEqual(
    attempts.filter(({ type }) => type === 'summary').map((one) => one.lost),
    [],
  );
});
