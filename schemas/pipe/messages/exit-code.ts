import { RuntimeError, UsageError } from './errors.js';
import { logMessage } from './log.js';

/** Says why a command ended, and returns its exit code: quietly 0 where its reader has gone. Throws what it cannot know. */
export function exitCode(command: string, error: unknown): number {
  if ((error as NodeJS.ErrnoException).code === 'EPIPE') return 0;
  if (!(error instanceof UsageError || error instanceof RuntimeError)) throw error;
  logMessage(command, error.message);
  return error instanceof UsageError ? 2 : 1;
}
