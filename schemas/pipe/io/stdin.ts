import { checkInput } from './closed-output.js';
import { Files } from './files.js';
import type { Source } from './source.js';

/** Returns standard input. Throws RuntimeError if it is closed. */
export function stdin(): Source {
  checkInput();
  return new Files(['-']);
}
