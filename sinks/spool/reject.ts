import { RuntimeError } from '../../schemas/pipe/messages/errors.js';
import { deadLetter, raw } from '../../schemas/pipe/stage/dead-letter.js';

/** What becomes of lines that a receiver refuses for good. */
export interface RejectPolicy {
  /** Lines and why; none where only their count is known. */
  take(lines: readonly Buffer[], reason: string, count?: number): void;
  close(): void;
}

/** The policy for `--on-reject fail|drop|FILE` of a command. */
export function onReject(choice: string, stage: string): RejectPolicy {
  if (choice === 'drop') return { take: () => {}, close: () => {} };
  if (choice === 'fail') {
    return {
      take: (_, reason) => {
        throw new RuntimeError(`the receiver refused events: ${reason}; correct that, or see --on-reject`);
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
