import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Stage } from '../../../schemas/pipe/stage/stage.js';
import { aggregate } from '../../../transforms/aggregate.js';
import { dedupe } from '../../../transforms/dedupe.js';
import { workableTypes } from '../../../transforms/filter/types.js';
import { filter } from '../../../transforms/filter.js';
import { anyLine, cut, eventOf, schemaOf } from '../../support/arbitrary.js';
import { connect, ndjson } from '../../support/events.js';
import { dns, lookups } from '../../support/lookups.js';
import { runStage } from '../../support/memory.js';

const anyDns = fc
  .oneof(
    eventOf(schemaOf('dns')),
    lookups.map(([first = dns()]) => first),
  )
  .map((one) => JSON.stringify(one));
const some = fc.array(fc.oneof(anyLine, anyDns), { maxLength: 25 }).chain((lines) => {
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
  return fc.record({ bytes: fc.constant(bytes), pieces: cut(bytes) });
});
const types = fc.subarray([...workableTypes], { minLength: 1 });
const typeOf = (line: string) => /^\{"type":"(\w+)"/.exec(line)?.[1] ?? '';
const quiet = (stage: Stage): Stage => ({ ...stage, finish: () => false });
const conditions = fc.constantFrom(
  {},
  { failed: true },
  { notFailed: true },
  { comm: 'curl' },
  { notPid: '0-1' },
  { name: '*example*' },
  { where: 'pid > 1 or name' },
  { where: 'not dest == a.example' },
);

test('a filter and its inversion split the chosen types; the other types of the four are dropped, the rest passes', async () => {
  await fc.assert(
    fc.asyncProperty(some, types, conditions, fc.boolean(), async ({ bytes, pieces }, chosen, given, keeps) => {
      const keepDns = keeps && !chosen.includes('dns') ? { keepDns: true } : {};
      const run = async (more: object, input: readonly Buffer[] = [bytes]) =>
        runStage(quiet(filter({ type: chosen.join(), ...keepDns, ...more })), input);
      const lines = ({ out }: { out: string }) => out.split('\n').slice(0, -1);
      const [kept, others, all] = [await run(given), await run({ ...given, invert: true }), await run({})];
      const ofChosen = (result: { out: string }) => lines(result).filter((line) => chosen.includes(typeOf(line)));
      const rest = (result: { out: string }) => lines(result).filter((line) => !chosen.includes(typeOf(line)));
      assert.deepEqual([...ofChosen(kept), ...ofChosen(others)].sort(), ofChosen(all).sort());
      assert.deepEqual(rest(kept), rest(others));
      const ended = workableTypes.filter((type) => !chosen.includes(type) && !(type === 'dns' && 'keepDns' in keepDns));
      assert.ok(!rest(kept).some((line) => ended.includes(typeOf(line))));
      assert.equal(kept.ledger.in, kept.ledger.out + kept.ledger.filtered + kept.ledger.invalid);
      assert.deepEqual(await run(given, pieces), kept);
    }),
    { numRuns: 200 },
  );
});

const mixed = [
  Buffer.from(ndjson(dns(), connect(), { type: 'mine' }, { type: 'lost', v: 1, stage: 'x', where: 'y', count: 1 })),
];
const stages: Record<string, (given: object) => Stage> = {
  filter: (given) => filter(given),
  dedupe: (given) => dedupe(given),
  aggregate: (given) => aggregate({ measure: 'count', ...given }),
};

for (const [name, make] of Object.entries(stages)) {
  test(`${name}: dns events are dropped and counted; --keep-dns passes them`, async () => {
    const { out, ledger } = await runStage(make({}), mixed);
    assert.doesNotMatch(out, /"dns"/);
    assert.match(out, /"mine"/);
    assert.match(out, /"lost"/);
    assert.ok(ledger.filtered >= 1);
    const kept = await runStage(make({ keepDns: true }), mixed);
    assert.ok(kept.out.startsWith(ndjson(dns())));
    assert.throws(
      () => make({ keepDns: true, type: 'dns' }),
      /--keep-dns and --type dns cannot be combined; leave out --keep-dns/,
    );
  });

  test(`${name}: --type dns drops attempts`, async () => {
    const { out } = await runStage(make({ type: 'dns' }), mixed);
    assert.doesNotMatch(out, /"type":"connect"/);
    assert.match(out, /"mine"/);
    assert.match(out, name === 'aggregate' ? /"events":"dns","by":"","count":1\}/ : /"type":"dns"/);
  });
}

test('options for fields that no chosen event has, and errors that no attempt ends with, are refused', () => {
  assert.throws(() => filter({ type: 'dns', dport: 443 }), /--dport: dns events have no dport/);
  assert.throws(() => filter({ type: 'dns', pending: true }), /--pending: dns events have no waited_us/);
  assert.throws(() => filter({ type: 'dns', excludePrivate: true }), /--exclude-private: dns events have no daddr/);
  assert.throws(() => filter({ error: 'NXDOMAIN' }), /no attempt ends with NXDOMAIN; add --type dns/);
  assert.throws(
    () => filter({ where: 'qtype == A' }),
    /--where: column 1: no event of type connect, outcome, pending, closed, open has this field; add --type dns/,
  );
  assert.throws(
    () => filter({ type: 'ftp' }),
    /invalid type "ftp": use connect, outcome, pending, closed, open or dns/,
  );
  assert.throws(() => aggregate({ type: 'dns,outcome' }), /counts look-ups, not attempts/);
  assert.throws(() => aggregate({ type: 'dns', count: 'connect' }), /--count and --type dns cannot be combined/);
  assert.throws(
    () => aggregate({ type: 'dns', measure: 'result' }),
    /--measure result and --type dns cannot be combined/,
  );
  filter({ type: 'dns,outcome', dport: 443, error: 'NXDOMAIN', where: 'qtype == A and daddr' });
});
