import { setImmediate as turn } from 'node:timers/promises';
import type { InvalidPolicy } from './invalid.js';
import type { Ledger } from './ledger.js';
import { Lines } from './lines.js';
import type { Stage } from './stage.js';
import { Step } from './step.js';
import { Last, type Part } from './target.js';
import { Waiting } from './waiting.js';

/** Where the bytes come from: 0 is the end, -1 a stop in the middle. */
export interface Input {
  read(into: Buffer): Promise<number>;
  /** The same of what is there already; undefined where that cannot be told without waiting. */
  now?(into: Buffer): number | undefined;
}

/** While more input is there already, so much output is collected before it is written, but for no longer than this. */
const writeBytes = 1 << 16;
const turnMs = 1;
/** ms; `performance` would load much at the start. */
const now = () => {
  const [s, ns] = process.hrtime();
  return s * 1e3 + ns / 1e6;
};
/** Where so much came at once there is more before long, and it is read into what room is left. */
const busy = 1 << 14;

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

  /** Hands the lines at hand to the first stage, until a stage waits for something, or there is enough to write. */
  const consume = (): 'held' | 'full' | 'done' => {
    for (let next = lines.next(); next !== 'more' && !first.closed; next = lines.next()) {
      if (next === 'long') first.long(lines.head);
      else {
        const taken = first.takesMany ? first.readMany(lines.atHand) : 0;
        if (taken > 0) lines.skip(taken - 1);
        else if (!first.closed) first.read(lines);
      }
      if (held) return 'held';
      if (last.full) return 'full';
    }
    return 'done';
  };

  /** Reads what is there already, and leaves what was read before where it is. Returns how much that was. */
  const readBehind = (): number => {
    const room = lines.room();
    const more = Math.max(0, (room && input.now?.(room)) ?? 0); // the next read tells of the end
    lines.filled(more);
    return more;
  };

  /** Has the stages from one on pass on what they hold. */
  const flush = async (from = 0) => {
    for (let at = from; at < steps.length; at++) {
      const step = steps[at] as Step;
      const flushed = step.flush();
      if (flushed) await flushed;
      if (step.next.busy) await step.next.settle();
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
    let turned = now();
    /** Whether what there is may wait for more that is there already. */
    const mayWait = () =>
      input.now !== undefined &&
      batch.length < writeBytes &&
      now() - turned < turnMs &&
      !steps.some(({ failed, refused }) => failed || refused);
    for (let bytes = 1; bytes > 0 && !first.closed; ) {
      batch.settle();
      let came = input.now?.(lines.space());
      if (came === undefined) {
        if (batch.length > 0) yield batch.take();
        for (const step of steps) await step.settled();
        yield* bury();
        if (first.closed) break;
        const read = waiting.until(input.read(lines.space()).catch((error) => first.fail(error) ?? -1));
        came = await read();
        for (; came === undefined; came = await read()) {
          await flush();
          if (batch.length > 0) yield batch.take();
          yield* bury();
        }
        turned = now();
      }
      bytes = came;
      if (bytes > 0) lines.filled(bytes);
      else if (bytes === 0) lines.finish();
      let more = bytes;
      for (let left = true; left && !first.closed; ) {
        const state = consume();
        left = state !== 'done';
        if (state === 'held') {
          await first.settle();
          held = false;
          if (!last.full) continue;
        }
        if (state === 'done' && more >= busy && batch.length < writeBytes) {
          more = readBehind();
          left = more > 0;
          if (left) continue; // it goes on together with what came before
        }
        for (let due = true; due; due = waiting.taken()) {
          await flush();
          if (!waiting.woken && mayWait()) continue; // who has asked for the next flush counts on what is written by then
          if (batch.length > 0) yield batch.take();
          yield* bury();
          await turn(); // what is due goes out before more comes in, but answers and timers have their turn
          turned = now();
        }
      }
    }
    yield* bury();
    yield* finish(0);
  } finally {
    for (const step of steps) await step.end(false);
  }
}
