import { RuntimeError, UsageError } from './errors.js';
import { logMessage } from './log.js';

/**
 * The exit-code rule. Reports the error that ended a command and returns the exit code: 2 for UsageError, 1 for
 * RuntimeError, 0 without a message for EPIPE (the reader is gone). Rethrows any other error: it is a bug.
 */
export function exitCode(command: string, error: unknown): number {
  if ((error as NodeJS.ErrnoException).code === 'EPIPE') return 0;
  if (!(error instanceof UsageError || error instanceof RuntimeError)) throw error;
  logMessage(command, error.message);
  return error instanceof UsageError ? 2 : 1;
}
