import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { connect, ndjson } from '../../support/events.js';
import { at, type Fields, parse, run, some, sort, standard, valuesOf } from '../../support/summaries.js';

const named = fc.constantFrom(undefined, 'a.example', 'b.example', '10.0.0.1');
const events = some.chain((all) =>
  fc
    .array(named, { minLength: all.length, maxLength: all.length })
    .map((names) => all.map((one, i): Fields => (names[i] === undefined ? one : { ...one, name: names[i] }))),
);
const destOf = ({ name, daddr }: Fields) => name ?? standard.get(daddr as string);

test('dest is the name, or the address in a standard spelling', async () => {
  await fc.assert(
    fc.asyncProperty(events, async (all) => {
      const counts = new Map<unknown, number>();
      for (const one of all.filter(({ type }) => type === 'outcome'))
        counts.set(destOf(one), (counts.get(destOf(one)) ?? 0) + ((one.repeat as number) ?? 1));
      const got = parse(await run({ by: 'dest', count: 'outcome', measure: 'count' }, ndjson(...all)));
      const shown = got.filter(({ count }) => (count as number) > 0).map(({ dest, count }) => [dest, count]);
      assert.deepEqual(new Map(shown as [unknown, number][]), counts);
    }),
  );
});

test('aggregates by dest, or by name and daddr, add up by dest; one by name alone has too little information', async () => {
  await fc.assert(
    fc.asyncProperty(events, fc.constantFrom('comm,dest', 'name,daddr'), async (all, finer) => {
      const measure = 'count,failed,latency,distinct:dest';
      const parts = await run({ by: finer, measure }, ndjson(...all));
      const [merged, whole] = [
        await run({ by: 'dest', measure }, parts),
        await run({ by: 'dest', measure }, ndjson(...all)),
      ];
      assert.deepEqual(sort(parse(merged)), sort(parse(whole)));
    }),
    { numRuns: 50 },
  );
  const two = [connect({ name: 'a.example' }), connect({ name: 'a.example', daddr: '192.0.2.9' }), connect()];
  const [{ distinct_dest } = {}] = parse(await run({ measure: 'distinct:dest' }, ndjson(...two)));
  assert.equal(distinct_dest, 2);
  const byName = await run({ by: 'name', measure: 'count' }, ndjson(connect({ name: 'a.example' })));
  const [other] = parse(await run({ by: 'dest', measure: 'count' }, byName));
  assert.equal(other?.other, true);
});

test("an event's own dest field takes precedence; a prefix is for addresses only", async () => {
  assert.deepEqual(valuesOf(await run({ by: 'dest' }, ndjson(at(1, { dest: 'mine', name: 'a.example' }))), 'dest'), [
    'mine',
  ]);
  await assert.rejects(async () => run({ by: 'dest/24' }, ''), /only saddr and daddr can have a prefix/);
});
