import { checkOutput } from '../io/closed-output.js';
import { writeAll } from '../io/fd.js';
import { cause, RuntimeError, remedy } from '../messages/errors.js';

/** Writes a command's text to standard output. Throws RuntimeError, or EPIPE if the reader is gone. */
export async function print(text: string | Buffer): Promise<void> {
  checkOutput();
  await writeOutput(Buffer.from(text), () => '');
}

/** Writes to standard output. `loss` describes the bytes that could not be written. Throws RuntimeError, or EPIPE. */
export async function writeOutput(bytes: Buffer, loss: (unwritten: Buffer) => string): Promise<void> {
  try {
    await writeAll(1, bytes);
  } catch (error) {
    const { code, written } = error as { code?: string; written: number };
    if (code === 'EPIPE') throw error;
    const lost = loss(bytes.subarray(written));
    throw new RuntimeError(`cannot write standard output: ${cause(error)}${lost}; ${remedy(error)}`);
  }
}
