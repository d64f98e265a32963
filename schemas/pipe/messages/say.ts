import { writeSync } from 'node:fs';
import { RuntimeError, UsageError } from './errors.js';
import { printable } from './printable.js';

let clear = () => {};

/** What is drawn on the terminal is taken away before a message, by this. */
export function beforeMessages(task: () => void): void {
  clear = task;
}

/** One line on stderr: `command: message`. A stderr that cannot take it is no reason to stop. */
export function say(command: string, message: string): void {
  clear();
  try {
    writeSync(2, `${command}: ${printable(message)}\n`);
  } catch {}
}

/** Says why a command ended, and returns its exit code: quietly 0 where its reader has gone. Throws what it cannot know. */
export function exitCode(command: string, error: unknown): number {
  if ((error as NodeJS.ErrnoException).code === 'EPIPE') return 0;
  if (!(error instanceof UsageError || error instanceof RuntimeError)) throw error;
  say(command, error.message);
  return error instanceof UsageError ? 2 : 1;
}
