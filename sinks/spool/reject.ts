import { RuntimeError } from '../../schemas/pipe/messages/errors.js';
import { deadLetter, raw } from '../../schemas/pipe/stage/dead-letter.js';

/** What to do with lines that a receiver rejects permanently. */
export interface RejectPolicy {
  /** Handles rejected lines. If the receiver does not say which lines it rejected, `lines` is empty and `count` is given. */
  take(lines: readonly Buffer[], reason: string, count?: number): void;
  close(): void;
}

/** Returns the policy for `--on-reject fail|drop|FILE`. */
export function rejectPolicy(choice: string, stage: string): RejectPolicy {
  if (choice === 'drop') return { take: () => {}, close: () => {} };
  if (choice === 'fail') {
    return {
      take: (_, reason) => {
        throw new RuntimeError(`the receiver rejected events: ${reason}; fix the cause, or see --on-reject`);
      },
      close: () => {},
    };
  }
  const file = deadLetter(choice);
  return {
    take: (lines, reason, count = 0) => {
      if (lines.length === 0) file.write({ stage, reason, count });
      else file.write(...lines.map((line) => ({ stage, reason, ...raw(line) })));
    },
    close: () => file.close(),
  };
}
