import type { Input } from '../io/input.js';
import type { InvalidPolicy } from '../stage/invalid.js';
import type { Ledger } from '../stage/ledger.js';
import type { Stage } from '../stage/stage.js';
import type { StageConfig } from '../stage/stage-config.js';
import { PipelineRunner, type Write } from './pipeline-runner.js';

/**
 * Runs one stage on an input until that ends, and yields its output as whole lines: in large chunks if there is much, line
 * by line if there is little. A chunk is valid until the next one is requested. Throws what the stage, the policy or the
 * input throws.
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

/** The same for several stages in a row. Each reports its own failure to its config. */
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
