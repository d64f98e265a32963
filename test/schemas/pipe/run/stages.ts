/** Pipelines of stages of every kind, for tests of what runs them. */
import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { RuntimeError } from '../../../../schemas/pipe/messages/errors.js';
import { Ledger } from '../../../../schemas/pipe/stage/ledger.js';
import { passAll, select } from '../../../../schemas/pipe/stage/select.js';
import type { Stage } from '../../../../schemas/pipe/stage/stage.js';
import type { StageConfig } from '../../../../schemas/pipe/stage/stage-config.js';
import { filter } from '../../../../transforms/filter.js';

const note = (text: string) => ({ type: 'note', text });

/** Stages of every kind, created for each run. */
const kinds: Record<string, () => Stage> = {
  all: () => select('all', [], () => true, {}),
  every: () => passAll('every'),
  chosen: () => filter({ notDport: 80, comm: ['curl', 'n*'] }),
  some: () => select('some', ['connect', 'outcome'], (line) => line.field('dport') !== 80, { some: true }),
  slow: () => ({
    name: 'slow',
    types: ['connect'],
    async line(line, out) {
      const { event } = line;
      await turn();
      assert.deepEqual(line.event, event, 'the line stays unchanged while a stage works on it');
      out.pass(line);
    },
  }),
  more: () => ({
    name: 'more',
    async line(line, out) {
      out.write(note('before'));
      const bytes = Buffer.from(line.buffer.subarray(line.start, line.end));
      out.bytes(bytes, 0, bytes.length);
      await turn();
      out.write(note('after'));
      out.pass(line);
    },
  }),
  reused: () => {
    const buffer = Buffer.alloc(1000);
    return {
      name: 'reused',
      line(_, out) {
        for (let n = 1; n <= 3; n++) out.bytes(buffer, 0, buffer.write(`{"type":"note","n":${n}}`));
        const end = buffer.write('<{"type":"note","text":"€"}\n\n{"type":"note"}\n{"type":"note","text":"last"}>');
        out.bytes(buffer, 1, end - 1, 4);
        buffer.fill('!');
        out.drop();
      },
    };
  },
  kept: () => {
    let kept: Buffer[] = [];
    return {
      name: 'kept',
      line({ buffer, start, end }, out) {
        kept.push(Buffer.from(buffer.subarray(start, end)));
        if (kept.length % 3 === 0) out.lost('kept', 2);
      },
      finish(out) {
        for (const bytes of kept.splice(0, 2)) out.bytes(bytes, 0, bytes.length);
        return kept.length > 0;
      },
      close() {
        kept = [];
      },
    };
  },
  table: () => ({
    name: 'table',
    traits: { sink: true },
    open: (out) => out.write('HEAD'),
    line(line, out) {
      out.write(`${line.type}\n\n  {"type":"x"}`);
      out.stored(1);
    },
  }),
  broken: () => {
    let left = 4;
    return {
      name: 'broken',
      line(line, out) {
        if (left-- === 0) throw new RuntimeError('broke');
        out.pass(line);
      },
    };
  },
  brokenSlow: () => {
    let left = 3;
    return {
      name: 'brokenSlow',
      async line(line, out) {
        out.pass(line);
        await turn();
        if (left-- === 0) throw new RuntimeError('broke slowly');
      },
    };
  },
  brokenEnd: () => ({
    name: 'brokenEnd',
    line: (line, out) => out.pass(line),
    finish: () => {
      throw new RuntimeError('broke at the end');
    },
  }),
  brokenStart: () => ({
    name: 'brokenStart',
    open: () => {
      throw new RuntimeError('broke at the start');
    },
    line: (line, out) => out.pass(line),
  }),
};

export interface Plan {
  kind: string;
  status: boolean;
  /** The stage gives up after this many invalid lines. */
  patience: number;
}
export const plan: fc.Arbitrary<Plan> = fc.record({
  kind: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom('all', 'every', 'chosen', 'some', 'slow', 'more', 'kept', 'reused') },
    { weight: 1, arbitrary: fc.constantFrom(...Object.keys(kinds)) },
  ),
  status: fc.boolean(),
  patience: fc.oneof({ weight: 4, arbitrary: fc.constant(1000) }, { weight: 1, arbitrary: fc.nat(3) }),
});

export interface Run {
  out: string;
  ledgers: Ledger[];
  failures: string[];
  bad: string[][];
}

export function partsOf(plans: Plan[]): { parts: StageConfig[]; run: Run } {
  const run: Run = { out: '', ledgers: [], failures: plans.map(() => ''), bad: plans.map(() => []) };
  const parts = plans.map(({ kind, status, patience }, at): StageConfig => {
    const ledger = new Ledger();
    run.ledgers.push(ledger);
    const line = (number: number, reason: string, raw: Buffer) => {
      run.bad[at]?.push(`${number} ${reason} ${raw}`);
      if ((run.bad[at]?.length ?? 0) > patience) throw new RuntimeError('gave up');
    };
    const failed = (error: unknown) => {
      const { code, message } = error as NodeJS.ErrnoException;
      run.failures[at] = code ?? message;
    };
    const stage = (kinds[kind] as () => Stage)();
    return { stage, ledger, status, policy: () => ({ line, end: () => true }), failed };
  });
  return { parts, run };
}
