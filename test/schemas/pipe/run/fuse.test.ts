import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import type { Input } from '../../../../schemas/pipe/io/input.js';
import { RuntimeError } from '../../../../schemas/pipe/messages/errors.js';
import { fuse } from '../../../../schemas/pipe/run/fuse.js';
import { PipelineRunner } from '../../../../schemas/pipe/run/pipeline-runner.js';
import type { StageConfig } from '../../../../schemas/pipe/stage/stage-config.js';
import { anyLine, cut } from '../../../support/arbitrary.js';
import { drive } from '../../../support/drive.js';
import { connect, ndjson } from '../../../support/events.js';
import { inputOf } from '../../../support/memory.js';
import { type Plan, partsOf, plan, type Run } from './stages.js';

const timeless = (text: string) => text.replace(/"ts":"[^"]*","stage"/g, '"ts":"","stage"');

async function fused(plans: Plan[], pieces: Buffer[]): Promise<Run> {
  const { parts, run } = partsOf(plans);
  const out: Buffer[] = [];
  for await (const bytes of fuse(parts, inputOf(pieces))) out.push(Buffer.from(bytes));
  return { ...run, out: timeless(Buffer.concat(out).toString()) };
}

/** Runs the stages one after the other, each on the previous one's whole output, like processes with unlimited pipes. */
async function apart(plans: Plan[], pieces: Buffer[]): Promise<Run> {
  const { parts, run } = partsOf(plans);
  let bytes = pieces;
  for (const { stage, ledger, status, policy, failed } of parts) {
    const out: Buffer[] = [];
    try {
      for await (const part of drive(stage, inputOf(bytes), policy(), ledger, status)) out.push(Buffer.from(part));
    } catch (error) {
      failed(error);
    }
    bytes = [Buffer.concat(out)];
  }
  return { ...run, out: timeless(Buffer.concat(bytes).toString()) };
}

test('fused stages write and count the same as stages run one after the other', async () => {
  const input = fc
    .tuple(fc.array(anyLine, { maxLength: 12 }), fc.constantFrom('\n', ''))
    .chain(([lines, end]) => cut(Buffer.from(lines.join('\n') + end)));
  let failures = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(plan, { minLength: 1, maxLength: 4 }), input, async (plans, pieces) => {
      const [one, two] = [await fused(plans, pieces), await apart(plans, pieces)];
      assert.equal(one.out, two.out);
      // Stages before a failed stage end with it, or have ended already: their counts may differ.
      const last = one.failures.findLastIndex((failure) => failure !== '' && failure !== 'EPIPE');
      if (last >= 0) failures++;
      assert.equal(one.failures[last], two.failures[last]);
      for (const at of plans.keys()) {
        if (at <= last) continue;
        assert.deepEqual([one.failures[at], two.failures[at]], ['', '']);
        assert.deepEqual(one.ledgers[at], two.ledgers[at]);
        assert.deepEqual(one.bad[at], two.bad[at]);
      }
    }),
    { numRuns: 500 },
  );
  assert.ok(failures > 50, `${failures} runs with a failure`);
});

test('each stage is opened and closed once, whatever fails', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(plan, { minLength: 1, maxLength: 4 }), async (plans) => {
      const { parts } = partsOf(plans);
      const calls = parts.map(() => [0, 0]);
      for (const [at, part] of parts.entries()) {
        const { stage } = part;
        const counts = calls[at] as [number, number];
        part.stage = {
          ...stage,
          open: (out) => {
            counts[0]++;
            return stage.open?.(out);
          },
          close: () => {
            counts[1]++;
            return stage.close?.();
          },
        };
      }
      const pieces = [Buffer.from(ndjson(...Array.from({ length: 9 }, (_, i) => connect({ seq: i }))))];
      for await (const _ of fuse(parts, inputOf(pieces)));
      for (const counts of calls) assert.deepEqual(counts, [1, 1]);
    }),
    { numRuns: 200 },
  );
});

/** Input that does not end. Counts the bytes that were read. */
function endless(text: string): Input & { bytes: number } {
  const piece = Buffer.from(text);
  const input = {
    bytes: 0,
    async read(into: Buffer) {
      await turn();
      input.bytes += piece.length;
      return piece.copy(into);
    },
  };
  return input;
}

test('a failed stage ends an endless input on the next write to it', async () => {
  const plans = ['all', 'slow', 'broken', 'all'].map((kind) => ({ kind, status: false, patience: 9 }));
  const { parts, run } = partsOf(plans);
  let out = '';
  for await (const bytes of fuse(parts, endless(ndjson(connect())))) out += bytes;
  assert.equal(out, ndjson(connect()).repeat(4));
  assert.deepEqual(run.failures, ['EPIPE', 'EPIPE', 'broke', '']);
});

test('nothing more is read while a stage waits, and an event passes through as soon as it arrives', async () => {
  let free = () => {};
  const gate = new Promise<void>((resolve) => {
    free = resolve;
  });
  const { parts } = partsOf(['all', 'all'].map((kind) => ({ kind, status: false, patience: 9 })));
  (parts[1] as StageConfig).stage = {
    name: 'gate',
    async line(line, out) {
      await gate;
      out.pass(line);
    },
  };
  const input = endless(ndjson(connect()));
  const flow = fuse(parts, input);
  const first = flow.next();
  for (let turns = 0; turns < 100; turns++) await turn();
  assert.equal(input.bytes, ndjson(connect()).length);
  free();
  assert.equal(String((await first).value), ndjson(connect()));
  await flow.return();
});

/** Two stages that count how often they have ended. */
function ending(): { parts: StageConfig[]; run: Run; ends: number[] } {
  const { parts, run } = partsOf(['all', 'slow'].map((kind) => ({ kind, status: false, patience: 9 })));
  const ends = [0, 0];
  for (const [at, part] of parts.entries()) {
    part.stage.close = () => {
      ends[at] = (ends[at] as number) + 1;
    };
  }
  return { parts, run, ends };
}

test('a consumer that stops early ends the stages, and nothing more is read', async () => {
  const { parts, run, ends } = ending();
  const input = endless(ndjson(connect()));
  for await (const bytes of fuse(parts, input)) {
    assert.equal(String(bytes), ndjson(connect()));
    assert.deepEqual(ends, [0, 0]);
    break;
  }
  assert.deepEqual(
    [ends, run.failures],
    [
      [1, 1],
      ['', ''],
    ],
  );
  const { bytes } = input;
  for (let turns = 0; turns < 10; turns++) await turn();
  assert.equal(input.bytes, bytes);
});

test('if a write fails, the stages end and its error is thrown', async () => {
  const { parts, run, ends } = ending();
  const out: string[] = [];
  const write = async (bytes: Buffer) => {
    await turn();
    assert.deepEqual(ends, [0, 0]);
    out.push(String(bytes));
    if (out.length === 3) throw new RuntimeError('full');
  };
  await assert.rejects(new PipelineRunner(parts, endless(ndjson(connect())), write).run(), { message: 'full' });
  assert.deepEqual([out.length, ends, run.failures], [3, [1, 1], ['', '']]);
});
