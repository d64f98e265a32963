import { writeSync } from 'node:fs';
import { printable } from './printable.js';

let clear = () => {};

/** Sets what to call before each message: it clears what is drawn on the terminal. */
export function beforeMessages(task: () => void): void {
  clear = task;
}

/** Writes one line to stderr: `command: message`. Ignores errors, so a broken stderr does not stop the command. */
export function logMessage(command: string, message: string): void {
  clear();
  try {
    writeSync(2, `${command}: ${printable(message)}\n`);
  } catch {}
}
