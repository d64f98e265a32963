import { checkOutput } from './closed-output.js';
import { cause, RuntimeError, remedy } from './errors.js';
import { writeAll } from './fd.js';

/** Writes a command's text to standard output. Throws RuntimeError, or EPIPE where its reader has gone. */
export async function print(text: string | Buffer): Promise<void> {
  checkOutput();
  try {
    await writeAll(1, Buffer.from(text));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') throw error;
    throw new RuntimeError(`cannot write standard output: ${cause(error)}; ${remedy(error)}`);
  }
}
