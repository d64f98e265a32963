import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { columns, commandOf, formatView, parseView } from '../../../sinks/web/page/view.js';
import { connect, ndjson } from '../../support/events.js';
import { folder } from '../../support/process.js';
import { shell } from '../../support/shell.js';

const views = fc.record({
  where: fc.string({ unit: 'grapheme' }).map((text) => text.trim()),
  search: fc.string({ unit: 'grapheme' }),
  last: fc.constantFrom(0, 60, 300, 900),
  range: fc.option(
    fc.tuple(fc.nat(2e12), fc.integer({ min: 1, max: 1e9 })).map(([from, length]) => ({ from, to: from + length })),
    { nil: undefined },
  ),
  sort: fc.constantFrom(...columns),
  descending: fc.boolean(),
});

test('a fragment restores the view it was made from', () => {
  fc.assert(
    fc.property(views, (view) => {
      const fragment = formatView(view);
      assert.match(fragment, /^[\w%+.*&=-]*$/);
      assert.deepEqual(parseView(`#${fragment}`), { ...view, last: view.range ? 0 : view.last });
    }),
  );
  assert.equal(formatView(parseView('')), '');
});

test('what is not valid in a fragment is ignored', () => {
  for (const fragment of [
    '#last=7',
    '#last=-1',
    '#from=x&to=y',
    '#from=2026-11-23T09:00:00Z',
    '#sort=-x',
    '#%',
    '#token=a',
  ])
    assert.deepEqual(parseView(fragment), parseView(''), fragment);
  assert.equal(parseView('#from=2026-11-23T09:00:00Z&to=2026-11-23T08:00:00Z').range, undefined);
});

test('the command selects what the page shows', async (t) => {
  const time = (second: number) => `2026-11-23T08:00:0${second}.000456Z`;
  const outcome = (id: number, start: number, end: number) => ({
    ...connect({ id: String(id), ts: time(end), comm: id % 2 ? "it's" : 'curl' }),
    ...{ type: 'outcome', start: time(start), result: 'established', latency_us: (end - start) * 1e6 },
  });
  const events = [
    outcome(1, 0, 1),
    outcome(2, 1, 3),
    outcome(3, 3, 4),
    outcome(4, 6, 7),
    connect({ id: '5', ts: time(4) }),
  ];
  const waits = { ...outcome(6, 0, 1), type: 'pending', result: 'pending', latency_us: undefined, waited_us: 1 };
  const view = { ...parseView(''), where: `comm == "it's" or dport == 443`, search: 'CURL' };
  const all = { ...view, where: '', search: '' };
  assert.equal(commandOf(all, 0, Number.POSITIVE_INFINITY), '');
  const ids = async (command: string) =>
    (await shell(`${command} | jq -r .id | tr '\n' ' '`, folder(t), ndjson(...events, waits))).stdout.trim();
  const [from, to] = [2, 5].map((second) => Date.parse(time(second))) as [number, number];
  assert.equal(await ids(commandOf(all, from, to)), '2 3 5 6');
  assert.equal(await ids(commandOf(view, 0, Number.POSITIVE_INFINITY)), '2 4 5 6');
  assert.equal(await ids(commandOf({ ...view, where: `comm == "it's"`, search: '' }, from, to)), '3');
  assert.equal(await ids(commandOf({ ...view, search: "it's" }, from, Number.POSITIVE_INFINITY)), '3');
});
