import { checkOutput } from '../io/closed-output.js';
import { writeAll } from '../io/fd.js';
import { cause, RuntimeError, remedy } from '../messages/errors.js';

/** Writes a command's text to standard output. Throws RuntimeError, or EPIPE if the reader is gone. */
export async function print(text: string | Buffer): Promise<void> {
  checkOutput();
  try {
    await writeAll(1, Buffer.from(text));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') throw error;
    throw new RuntimeError(`cannot write standard output: ${cause(error)}; ${remedy(error)}`);
  }
}
