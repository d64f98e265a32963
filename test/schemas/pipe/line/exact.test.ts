import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseExact, stringifyExact } from '../../../../schemas/pipe/line/exact.js';
import { where } from '../../../../schemas/where/where.js';
import { aggregate } from '../../../../transforms/aggregate.js';
import { dedupe } from '../../../../transforms/dedupe.js';
import { filter } from '../../../../transforms/filter.js';
import { toEcs } from '../../../../transforms/to-ecs.js';
import { toOtel } from '../../../../transforms/to-otel.js';
import { validate } from '../../../../transforms/validate.js';
import { connect, ndjson } from '../../../support/events.js';
import { runStage } from '../../../support/memory.js';

const one = '9007199254740993';
const other = '9007199254740992';
const own = (...values: string[]) =>
  values.map((value) => `${ndjson(connect()).trimEnd().slice(0, -1)},"mine":${value}}\n`).join('');
const out = async (stage: Parameters<typeof runStage>[0], text: string) =>
  (await runStage(stage, [Buffer.from(text)])).out;

test('integers of any size are read and written exactly, and nothing else changes', () => {
  const text = `{"a":${one},"b":[-${one},{"c":"${one}, \\" ${one}"}],"d":1.5e300,"e":0.1234567890123456,"f":12,"":1e21}`;
  const value = parseExact(text) as { a: bigint };
  assert.equal(value.a, BigInt(one));
  assert.equal(stringifyExact(value), text.replace('1.5e300', '1.5e+300').replace('1e21', '1e+21'));
  fc.assert(
    fc.property(fc.json(), (json) => {
      assert.equal(stringifyExact(parseExact(json)), JSON.stringify(JSON.parse(json)));
    }),
  );
});

test('aggregate --by and --where keep integers beyond 2^53 apart', async () => {
  for (const wrap of [(n: string) => n, (n: string) => `{"n":[${n}]}`]) {
    const groups = await out(aggregate({ by: '.mine', measure: 'count' }), own(wrap(one), wrap(other), wrap(one)));
    assert.deepEqual(
      groups
        .trimEnd()
        .split('\n')
        .map((line) => /"count":(\d).*"mine":(.*)\}$/.exec(line)?.slice(1)),
      [
        ['2', wrap(one)],
        ['1', wrap(other)],
      ],
    );
  }
  const input = own(one, other, `-${one}`);
  for (const [expression, wanted] of [
    [`.mine == ${one}`, own(one)],
    [`.mine in (${one}, 7)`, own(one)],
    [`.mine == ${other}`, own(other)],
    [`.mine > ${other}`, own(one)],
    [`.mine < 0`, own(`-${one}`)],
  ] as const)
    assert.equal(await out(filter({ where: expression }), input), wanted, expression);
  assert.ok(where(`.mine == ${one}`));
});

test('to-ecs, to-otel and dedupe do not round them', async () => {
  assert.match(await out(toEcs(), own(one)), new RegExp(`"synpipe":\\{.*"mine":${one}\\}`));
  assert.match(
    await out(toOtel(), own(one)),
    new RegExp(`\\{"key":"synpipe.mine","value":\\{"intValue":"${one}"\\}\\}`),
  );
  const huge = '9'.repeat(30);
  assert.match(await out(toOtel(), own(huge)), new RegExp(`"stringValue":"${huge}"`));
  const repeated = own(one).replace('"mine"', '"repeat":2,"mine"');
  assert.match(
    await out(dedupe({}), repeated.repeat(3)),
    new RegExp(`"mine":${one},"repeat":4|"repeat":4,"mine":${one}`),
  );
});

test('aggregate refuses a repeat count that would make a sum inexact, and says so', async () => {
  const most = Number.MAX_SAFE_INTEGER;
  const events = [connect({ repeat: 2 ** 52 } as never), connect({ repeat: most } as never), connect()];
  for (const given of [{}, { every: '10s' }]) {
    const text = await out(aggregate(given), ndjson(...events));
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.ok(lines.some(({ type, where, count }) => type === 'lost' && where === 'too large' && count === 1));
    assert.ok(lines.some(({ count }) => count === 2 ** 52 + 1));
    assert.ok(lines.some(({ other, invalid }) => other && invalid === 1));
    const { bad } = await runStage(validate(), [Buffer.from(text)]);
    assert.deepEqual(bad, []);
    const again = await out(aggregate({ ...given, measure: 'count' }), text + text + text);
    assert.deepEqual((await runStage(validate(), [Buffer.from(again)])).bad, []);
  }
});
