import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { enrich } from '../../../transforms/enrich.js';
import { inOrder } from '../../support/arbitrary.js';
import { connect } from '../../support/events.js';
import { runStage } from '../../support/memory.js';
import { Model, type ModelAnswer, type ModelAttempt } from './model.js';

const second = 1_000_000;
const begin = Date.parse('2026-11-23T08:00:00Z') * 1000;
const time = (at: number) =>
  new Date(Math.floor(at / 1000)).toISOString().replace('Z', `${String(at % 1000).padStart(3, '0')}Z`);

const processes = [
  { pid: 1, tid: 1, cgroup: '5', netns: 1 },
  { pid: 1, tid: 11, cgroup: '5', netns: 1 },
  { pid: 2, tid: 2, cgroup: '5', netns: 1 },
  { pid: 3, tid: 3, cgroup: '6', netns: 1 },
  { pid: 4, tid: 4, cgroup: '7', netns: 2 },
];
/** Processes that did not ask. The ID of one shares its last bits with a process that did. */
const others = [
  { pid: 9, tid: 9, cgroup: '6', netns: 1 },
  { pid: 65, tid: 65, cgroup: '8', netns: 2 },
];
const addresses = ['192.0.2.1', '192.0.2.2', '127.0.0.1'];
const address = fc.constantFrom('192.0.2.1', '192.0.2.1', ...addresses);
const pause = fc.constantFrom(0, 1_000, 20_000, second, 40 * second);
const answer = fc.record({
  pause,
  name: fc.constantFrom(...Array.from({ length: 12 }, (_, i) => `${String.fromCharCode(97 + ((i * i) % 11))}.test`)),
  to: fc.uniqueArray(fc.constantFrom(...addresses), { minLength: 1 }),
  asker: fc.constantFrom(...processes, ...processes, { netns: 1 }, { netns: 2 }, {}),
  ttl: fc.constantFrom(0, 30, 300),
});
const attempt = fc.record({
  pause,
  address,
  by: fc.constantFrom(...processes, ...others),
  delay: fc.constantFrom(0, 0, 0, 2_000, second, 41 * second, 120 * second),
  type: fc.constantFrom('connect', 'outcome', 'pending'),
  /** Further attempts that follow at once, then the last one again. */
  more: fc.nat(2),
});
const steps = fc.array(fc.oneof({ weight: 3, arbitrary: answer }, { weight: 4, arbitrary: attempt }), {
  maxLength: 90,
  size: 'max',
});

type Of<A> = A extends fc.Arbitrary<infer T> ? T : never;

/** Returns the lines of these steps, and what the model expects for each attempt. Answers have even times, attempts odd. */
function inputOf(all: readonly (Of<typeof answer> | Of<typeof attempt>)[]) {
  const model = new Model();
  const lines: string[] = [];
  const expected: Record<string, unknown>[] = [];
  let now = begin;
  const put = (event: object) => lines.push(JSON.stringify(event));
  const tried = (by: (typeof processes)[number], daddr: string, at: number, type: string) => {
    const event = connect({ seq: expected.length + 1, ts: time(type === 'connect' ? at : now), ...by, daddr } as never);
    const rest = { start: time(at), result: type === 'pending' ? type : 'established' };
    const took = { [type === 'pending' ? 'waited_us' : 'latency_us']: now - at };
    put(type === 'connect' ? event : inOrder({ ...event, type, ...rest, ...took }));
    expected.push(model.attempt({ ...by, address: daddr, at } satisfies ModelAttempt));
  };
  for (const step of all) {
    now += step.pause + 10;
    if ('to' in step) {
      const { name, to, asker, ttl } = step;
      put({ type: 'dns', v: 1, ts: time(now), ...ordered(asker), name, addrs: to, ttl });
      for (const one of to) {
        const observed: ModelAnswer = {
          ...asker,
          name,
          address: one,
          at: now,
          until: now + (ttl + 60) * second,
          lookup: now,
        };
        model.answer(observed);
      }
      continue;
    }
    const { by, address, delay, type, more } = step;
    const first = now - delay + 1;
    now += 10;
    for (let i = 0; i <= more; i++) tried(by, address, first + 2 * i, type);
    if (more > 0) tried(by, address, first + 2 * more, 'outcome');
  }
  return { bytes: Buffer.from(lines.map((line) => `${line}\n`).join('')), expected };
}

function ordered({ pid, tid, netns, cgroup }: { pid?: number; tid?: number; netns?: number; cgroup?: string }) {
  return { pid, tid, netns, cgroup };
}

function piecesOf(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [0, ...cuts.map((one) => one % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
}

const given = { offline: true, with: 'names', etc: '/nonexistent', minTtl: 0 } as never;
const fields = ['name', 'name_scope', 'name_age_ms', 'name_ambiguous', 'names', 'names_cut'];
const named = (out: string) =>
  out
    .split('\n')
    .slice(0, -1)
    .map((line) => Object.entries(JSON.parse(line)).filter(([key]) => fields.includes(key)))
    .map((entries) => Object.fromEntries(entries));

test('attempts have the names that a model with unlimited memory gives, fed at once, in pieces, and one by one', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.array(fc.nat()), async (all, cuts) => {
      const { bytes, expected } = inputOf(all);
      const oneByOne = Object.assign(enrich(given), { batch: undefined as never });
      assert.deepEqual(named((await runStage(enrich(given), [bytes])).out), expected);
      assert.deepEqual(named((await runStage(enrich(given), piecesOf(bytes, cuts))).out), expected);
      assert.deepEqual(named((await runStage(oneByOne, [bytes])).out), expected);
    }),
    { numRuns: 60 },
  );
});
