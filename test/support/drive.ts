import type { Input } from '../../schemas/pipe/io/input.js';
import { fuse } from '../../schemas/pipe/run/fuse.js';
import type { InvalidPolicy } from '../../schemas/pipe/stage/invalid.js';
import type { Ledger } from '../../schemas/pipe/stage/ledger.js';
import type { Stage } from '../../schemas/pipe/stage/stage.js';

/** Runs one stage on an input until that ends, and yields its output. Throws what the stage, the policy or the input throws. */
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
