import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Stage } from '../../schemas/pipe/stage/stage.js';
import { filter as noisy } from '../../transforms/filter.js';
import { anyLine, cut } from '../support/arbitrary.js';
import { runStage } from '../support/memory.js';

const given = fc
  .record(
    {
      dport: fc.constantFrom('443', '22,80', '0-100', ['22', '443']),
      notDport: fc.constantFrom('22', '400-500'),
      comm: fc.constantFrom('curl', 'n*', '/^.?$/'),
      notComm: fc.constantFrom('node', ''),
      pid: fc.constantFrom('0', '1-2'),
      uid: fc.constantFrom('0', '1-2'),
      notUid: fc.constantFrom('0', '1-2'),
      daddr: fc.constantFrom('10.0.0.0/8,::1', '0.0.0.0/0'),
      family: fc.constantFrom(4, 6),
      notName: fc.constantFrom('*.example.com', '/^a/'),
      latencyOver: fc.constantFrom('100ms', '1us'),
      where: fc.constantFrom('dport == 443 or not uid', 'not comm == curl', [
        'uid != 0',
        'daddr in (10.0.0.0/8, ::/0)',
      ]),
      failed: fc.constant(true),
      notFailed: fc.constant(true),
      pending: fc.constant(true),
      notPending: fc.constant(true),
      result: fc.constantFrom('refused', 'pending,established'),
      notIcmpFrom: fc.constantFrom('192.0.2.0/24'),
      excludeLoopback: fc.constant(true),
      excludePrivate: fc.constant(true),
    },
    { requiredKeys: [] },
  )
  .filter(({ pending, failed, latencyOver, result }) => !pending || !(failed || latencyOver || result === 'refused')); // refused
/** Without the message at the end about inputs that have no outcomes. */
const filter = (options?: object): Stage => ({ ...noisy(options as never), finish: () => false });
const some = fc.array(anyLine, { maxLength: 25 }).chain((lines) => {
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
  return fc.record({ lines: fc.constant(lines), bytes: fc.constant(bytes), pieces: cut(bytes) });
});
const ownLost = /^\{"type":"lost","v":1,"stage":"filter","where":"invalid","count":\d+\}$/;
const attempt = /^\{"type":"(connect|outcome|pending)"/;
const split = (text: string) => text.split('\n').slice(0, -1);

/** Whether `part` is `whole` with some elements removed. */
function within(part: string[], whole: string[]): boolean {
  let at = 0;
  return part.every((one) => {
    at = whole.indexOf(one, at) + 1;
    return at > 0;
  });
}

test('the output is lines of the input, byte for byte and in order, and the ledger adds up', async () => {
  await fc.assert(
    fc.asyncProperty(some, given, async ({ lines, pieces }, options) => {
      const { out, ledger, bad } = await runStage(filter(options), pieces);
      const passed = split(out).filter((line) => !ownLost.test(line));
      assert.ok(within(passed, lines), out);
      assert.equal(passed.length, ledger.out);
      assert.equal(bad.length, ledger.invalid);
      assert.equal(ledger.in, ledger.out + ledger.filtered + ledger.invalid);
      assert.equal(ledger.in, lines.filter((line) => line.trim() !== '' || /[^ \t\r]/.test(line)).length);
      const counts = split(out)
        .filter((line) => ownLost.test(line))
        .map((line) => JSON.parse(line).count);
      assert.equal(
        counts.reduce((sum, count) => sum + count, 0),
        ledger.invalid,
      );
    }),
    { numRuns: 300 },
  );
});

test('input cut anywhere gives the same result', async () => {
  await fc.assert(
    fc.asyncProperty(some, given, async ({ bytes, pieces }, options) => {
      const [whole, inPieces] = [await runStage(filter(options), [bytes]), await runStage(filter(options), pieces)];
      assert.deepEqual(inPieces, whole);
    }),
  );
});

test('a filter and its inversion split the events of attempts between them', async () => {
  await fc.assert(
    fc.asyncProperty(some, given, async ({ lines, bytes }, options) => {
      const attempts = async (more: object) =>
        split((await runStage(filter({ ...options, ...more }), [bytes])).out).filter((line) => attempt.test(line));
      const [kept, others] = [await attempts({}), await attempts({ invert: true })];
      const all = split((await runStage(filter(), [bytes])).out).filter((line) => attempt.test(line));
      assert.deepEqual([...kept, ...others].sort(), all.sort());
      assert.ok(within(kept, lines) && within(others, lines));
    }),
    { numRuns: 300 },
  );
});
