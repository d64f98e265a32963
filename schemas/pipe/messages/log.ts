import { writeSync } from 'node:fs';
import { printable } from './printable.js';

let clear = () => {};

/** What is drawn on the terminal is taken away before a message, by this. */
export function beforeMessages(task: () => void): void {
  clear = task;
}

/** One line on stderr: `command: message`. A stderr that cannot take it is no reason to stop. */
export function logMessage(command: string, message: string): void {
  clear();
  try {
    writeSync(2, `${command}: ${printable(message)}\n`);
  } catch {}
}
