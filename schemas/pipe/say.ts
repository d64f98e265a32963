import { writeSync } from 'node:fs';
import { printable } from './errors.js';

/** One line on stderr: `command: message`. A stderr that cannot take it is no reason to stop. */
export function say(command: string, message: string): void {
  try {
    writeSync(2, `${command}: ${printable(message)}\n`);
  } catch {}
}
