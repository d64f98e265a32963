import { setImmediate as turn } from 'node:timers/promises';
import type { InvalidPolicy } from './invalid.js';
import type { Ledger } from './ledger.js';
import { Lines } from './lines.js';
import type { Stage } from './stage.js';
import { Step } from './step.js';
import { Last, type Part } from './target.js';
import { Waiting } from './waiting.js';

/** Where so much came at once there may be more already … */
const busy = 1 << 14;
/** … but who reads what is put out does not wait for that: it takes about so much at once. */
const pipeful = 1 << 15;

/** Where the bytes come from: 0 is the end, -1 a stop in the middle. */
export interface Input {
  read(into: Buffer): Promise<number>;
  /** The same at once, where it need not wait; else undefined. */
  readNow?(into: Buffer): number | undefined;
}

/**
 * Feeds a stage from its input until that ends, and yields the bytes it makes, whole lines, a chunk's worth at once:
 * many lines when there are many, each line when they are few. What was yielded is valid until the next is asked for.
 * Throws what the stage, the policy or the input throws.
 */
export async function* drive(
  stage: Stage,
  input: Input,
  policy: InvalidPolicy,
  ledger: Ledger,
  status = false,
): AsyncGenerator<Buffer, void> {
  let failure: { error: unknown } | undefined;
  const failed = (error: unknown) => {
    failure = { error };
  };
  yield* fuse([{ stage, ledger, policy: () => policy, status, failed }], input);
  if (failure) throw failure.error;
}

/**
 * The same for stages that feed each other, as a shell's pipeline would: one that fails ends as its process would, those
 * behind it finish with what they have got, and one that feeds it ends when it puts out something more.
 */
export async function* fuse(parts: readonly Part[], input: Input): AsyncGenerator<Buffer, void> {
  const lines = new Lines();
  const last = new Last(lines.buffer);
  const { batch } = last;
  const waiting = new Waiting();
  let held = false; // by a stage that waits for something
  const steps: Step[] = [];
  for (const part of parts.toReversed()) {
    const hold = () => {
      held = true;
    };
    steps.unshift(new Step(part, steps[0] ?? last, () => waiting.wake(), hold));
  }
  const first = steps[0] as Step;

  /** Hands the lines at hand to the first stage. Returns whether some are left because there is enough to write. */
  const consume = async (): Promise<boolean> => {
    for (let next = lines.next(); next !== 'more' && !first.closed; next = lines.next()) {
      if (next === 'long') first.long(lines.head);
      else {
        const taken = first.readMany(lines);
        if (taken > 0) lines.skip(taken - 1);
        else if (!first.closed) first.read(lines);
      }
      if (held) {
        await first.settle();
        held = false;
      }
      if (last.full) return true;
    }
    return false;
  };

  /** Reads what is there already, behind what was read before: many small writes cost more than a large one. */
  const readMore = (): number => {
    const room = lines.room();
    const more = Math.max(0, (room && input.readNow?.(room)) ?? 0); // the next read tells of the end
    lines.filled(more);
    return more;
  };

  /** Has the stages from one on pass on what they hold. */
  const flush = async (from = 0) => {
    for (const step of steps.slice(from)) {
      await step.flush();
      await step.next.settle();
    }
  };

  /** What a stage has put out at its end goes on. */
  async function* behind(at: number): AsyncGenerator<Buffer, void> {
    await steps[at]?.next.settle();
    await flush(at + 1);
    if (batch.length > 0) yield batch.take();
  }

  /** The end of a stage, and then of those behind it. */
  async function* finish(from: number): AsyncGenerator<Buffer, void> {
    for (const [at, step] of [...steps.entries()].slice(from)) {
      await step.close();
      yield* behind(at);
      for (let more = true; more; ) {
        more = await step.finish();
        yield* behind(at);
      }
      await step.end(true);
      yield* behind(at);
    }
  }

  /** Deals with the stages that failed: they end, and so do those behind them, and those whose output nobody takes. */
  async function* bury(): AsyncGenerator<Buffer, void> {
    for (let at = steps.length - 1; at >= 0; at--) {
      const step = steps[at] as Step;
      if (steps[at + 1]?.refused) step.fail(Object.assign(new Error('nobody reads'), { code: 'EPIPE' }));
      if (step.failed) yield* finish(at);
    }
  }

  try {
    for (const step of steps.toReversed()) {
      await step.open();
      await step.next.settle();
    }
    if (batch.length > 0) yield batch.take();
    yield* bury();
    for (let bytes = 1; bytes > 0 && !first.closed; ) {
      const read = waiting.until(input.read(lines.space()).catch((error) => first.fail(error) ?? -1));
      let came = await read();
      for (; came === undefined; came = await read()) {
        await flush();
        if (batch.length > 0) yield batch.take();
        yield* bury();
      }
      bytes = came;
      if (bytes > 0) lines.filled(bytes);
      else if (bytes === 0) lines.finish();
      let more = bytes;
      for (let left = true; left && !first.closed; ) {
        left = await consume();
        if (!left && more >= busy && batch.length < pipeful) {
          more = readMore();
          left = more > 0;
          if (left) continue; // it goes on together with what came before
        }
        for (let due = true; due; due = waiting.taken()) {
          await flush();
          if (batch.length > 0) yield batch.take();
          yield* bury();
          await turn(); // what is due goes out before more comes in, but answers and timers have their turn
        }
      }
    }
    yield* bury();
    yield* finish(0);
  } finally {
    for (const step of steps) await step.end(false);
  }
}
