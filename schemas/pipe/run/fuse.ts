import type { Input } from '../io/input.js';
import { RuntimeError } from '../messages/errors.js';
import { Ledger } from '../stage/ledger.js';
import type { Stage } from '../stage/stage.js';
import type { StageConfig } from '../stage/stage-config.js';
import { PipelineRunner, type Write } from './pipeline-runner.js';

/**
 * Runs stages in a row on an input until that ends, and yields their output as whole lines: in large chunks if there is much,
 * line by line if there is little. A chunk is valid until the next one is requested. Each stage reports its own failure to its
 * config.
 */
export async function* fuse(configs: readonly StageConfig[], input: Input): AsyncGenerator<Buffer, void> {
  let give: (bytes?: Buffer) => void = () => {};
  const written = () =>
    new Promise<Buffer | undefined>((resolve) => {
      give = resolve;
    });
  let done = () => {};
  let stop: (reason: unknown) => void = () => {};
  const write: Write = (bytes) => {
    give(bytes);
    return new Promise((resolve, reject) => {
      done = resolve;
      stop = reject;
    });
  };
  let next = written();
  const running = new PipelineRunner(configs, input, write).run().finally(() => give());
  running.catch(() => {}); // it is thrown below
  const left = new Error('the consumer has stopped');
  try {
    for (let bytes = await next; bytes; bytes = await next) {
      next = written();
      yield bytes;
      done();
    }
  } finally {
    stop(left);
    await running.catch((error) => {
      if (error !== left) throw error;
    });
  }
}

/** Does what `fuse` does, for the library: throws at the first invalid line or error. Adds each stage's ledger to `ledgers`. */
export async function* fuseStrictly(
  stages: readonly Stage[],
  input: Input,
  ledgers: Ledger[] = [],
): AsyncGenerator<Buffer, void> {
  let failure: { error: unknown } | undefined;
  const configs = stages.map((stage, at): StageConfig => {
    const ledger = new Ledger();
    ledgers[at] = ledger;
    const line = (number: number, reason: string) => {
      throw new RuntimeError(`${stage.name}: line ${number}: ${reason}`);
    };
    const failed = (error: unknown) => {
      failure ??= { error };
    };
    return { stage, ledger, policy: () => ({ line, end: () => true }), failed };
  });
  yield* fuse(configs, input);
  if (failure) throw failure.error;
}
