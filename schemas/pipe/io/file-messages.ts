import { cause, remedy } from '../messages/errors.js';
import { DamagedError } from './decompressed.js';
import { patternOf } from './names.js';

/** Whether a name stands for standard input. */
export const isStdin = (name: string) => name === '-' || name === '/dev/stdin';

/** What to call a file in messages. */
export const shown = (name: string) => (isStdin(name) ? 'standard input' : name);

/** Says why a file cannot be read, after `read` of its lines. */
export function failureText(name: string, error: unknown, read: number): string {
  if (error instanceof DamagedError) {
    const where = read > 0 ? `after line ${read}; the lines before that were read` : 'in its first line; copy it again';
    return `${shown(name)} ${error.message} ${where}`;
  }
  const why = cause(error);
  const older = why === 'ENOENT' ? patternOf(name) : undefined;
  const what = older === undefined ? remedy(error) : `its older parts are there: read '${older}'`;
  return `cannot read ${shown(name)}: ${why}; ${what}`;
}
