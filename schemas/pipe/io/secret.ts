import { readFile } from 'node:fs/promises';
import { cause, RuntimeError, remedy } from '../messages/errors.js';

/** A file's text. Throws RuntimeError, with its name but nothing of what is in it. */
export async function readSecret(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new RuntimeError(`cannot read ${path}: ${cause(error)}; ${remedy(error)}`);
  }
}
