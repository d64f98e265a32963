import { readFile } from 'node:fs/promises';
import { cause, RuntimeError, remedy } from '../messages/errors.js';

/** Reads a text file. Throws RuntimeError, which never contains any of the text. */
export async function readSecret(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new RuntimeError(`cannot read ${path}: ${cause(error)}; ${remedy(error)}`);
  }
}
