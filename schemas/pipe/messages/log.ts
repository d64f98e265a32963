import { writeSync } from 'node:fs';
import { printable } from './printable.js';

let clear = () => {};

/** Sets what to call before each message: it clears what is drawn on the terminal. */
export function beforeMessages(task: () => void): void {
  clear = task;
}

let divert: ((line: string) => void) | undefined;

/** Passes messages to this function instead of stderr, while a command uses the whole screen; undefined ends that. */
export function divertMessages(to: ((line: string) => void) | undefined): void {
  divert = to;
}

/** Writes one line to stderr: `command: message`. Ignores errors, so a broken stderr does not stop the command. */
export function logMessage(command: string, message: string): void {
  const line = printable(`${command}: ${message}`);
  if (divert) divert(line);
  else printMessage(line);
}

/** Writes a message that was diverted before. */
export function printMessage(line: string): void {
  clear();
  try {
    writeSync(2, `${line}\n`);
  } catch {}
}
