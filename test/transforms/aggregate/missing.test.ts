import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { timeText } from '../../../transforms/aggregate/time.js';
import { aggregate } from '../../../transforms/aggregate.js';
import { connect, ndjson } from '../../support/events.js';
import { runStage } from '../../support/memory.js';
import { at, begin, parse, run, valuesOf } from '../../support/summaries.js';

const lostEvent = (count: number, where = 'ring buffer', more: object = {}) => ({
  type: 'lost',
  v: 1,
  ...more,
  stage: 'collector',
  where,
  count,
});
test('more groups than --max-groups, and --top: the sum is complete, and each_max bounds what a group lacks', async () => {
  const address = fc.nat(30_000).map((n) => `10.0.${n >> 8}.${n & 255}`);
  const skewed = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom('10.9.9.9', '10.9.9.8') },
    { weight: 7, arbitrary: address },
  );
  const many = fc.array(skewed, { minLength: 9_000, maxLength: 12_000 });
  const choice = fc.constantFrom({ maxGroups: 50 }, { maxGroups: 4096 }, { top: 3 }, { top: 3, maxGroups: 5 });
  await fc.assert(
    fc.asyncProperty(many, choice, fc.boolean(), async (all, choice, twice) => {
      const given = { by: 'daddr', measure: 'count,distinct:daddr', ...choice };
      const text = ndjson(...all.map((daddr) => connect({ daddr })));
      const [head, tail] = [
        text.slice(0, text.indexOf('\n', text.length / 2) + 1),
        text.slice(text.indexOf('\n', text.length / 2) + 1),
      ];
      const out = parse(await run(given, twice ? (await run(given, head)) + (await run(given, tail)) : text));
      const most = Math.min(choice.maxGroups ?? 1e6, choice.top ?? 1e6);
      const groups = out.filter(({ other }) => !other);
      const rest = out.find(({ other }) => other);
      assert.ok(groups.length <= most && (rest === undefined || groups.length > 0));
      assert.equal(
        out.reduce((sum, { count }) => sum + (count as number), 0),
        all.length,
      );
      const exact = new Map<string, number>();
      for (const daddr of all) exact.set(daddr, (exact.get(daddr) ?? 0) + 1);
      const most_missing = (rest?.each_max as number | undefined) ?? 0;
      const shown = new Map(groups.map(({ daddr, count }) => [daddr as string, count as number]));
      for (const [daddr, count] of exact) {
        const got = shown.get(daddr) ?? 0;
        assert.ok(got <= count && count <= got + most_missing, `${daddr}: ${got} of ${count}, ${most_missing}`);
      }
      // a group with more than its share is always shown
      for (const daddr of ['10.9.9.9', '10.9.9.8']) assert.ok(shown.has(daddr), daddr);
    }),
    { numRuns: 12 },
  );
});

test('an event is late once event time has passed its window by more than the grace, and is reported as lost', async () => {
  const input = ndjson(at(1), at(11), at(9), at(11.9), at(12), at(9.9), at(8), at(30), at(2));
  const { out, ledger } = await runStage(aggregate({ every: '10s', grace: '2s', measure: 'count' }), [
    Buffer.from(input),
  ]);
  assert.deepEqual(valuesOf(out, 'type', 'ts', 'count', 'where', 'lost'), [
    `summary ${timeText(begin)} 2  `,
    `summary ${timeText(begin + 10e6)} 3  `,
    `summary ${timeText(begin + 10e6)} 0  2`, // arrived while this window was the newest
    'lost  3 late ',
    `summary ${timeText(begin + 30e6)} 1  `,
    `summary ${timeText(begin + 30e6)} 0  1`,
  ]);
  assert.equal(ledger.lost, 3);
});

test('losses are reported once, in the window they belong to, and pass through a second aggregate', async () => {
  const given = { every: '10s', measure: 'count' };
  const input = `${ndjson(at(1), lostEvent(5), at(2), lostEvent(2, 'invalid'))}oops\n${ndjson(
    at(3),
    at(15),
    lostEvent(7, 'queue', { ts: timeText(begin + 12e6) }),
    lostEvent(1, 'queue', { ts: timeText(begin + 9e6) }),
    at(25),
  )}`;
  const wanted = [
    `${timeText(begin)} 3   `,
    `${timeText(begin)} 0 true 5 3`,
    `${timeText(begin + 10e6)} 1   `,
    `${timeText(begin + 10e6)} 0 true 8 `, // a closed window cannot report it: the next one does
    `${timeText(begin + 20e6)} 1   `,
  ];
  const summaries = (text: string) =>
    valuesOf(
      text
        .split('\n')
        .filter((line) => line.includes('"summary"'))
        .map((line) => `${line}\n`)
        .join(''),
      'ts',
      'count',
      'other',
      'lost',
      'invalid',
    );
  const once = await run(given, input);
  assert.deepEqual(summaries(once), wanted);
  assert.equal(parse(once).filter(({ type }) => type === 'lost').length, 5, 'lost events pass through');
  assert.deepEqual(summaries(await run(given, once)), wanted);
});
