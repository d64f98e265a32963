import { logMessage } from '../messages/log.js';

/** The command that uses dns events. */
const consumer = 'enrich';

/**
 * Returns a function that warns, once, if an `enrich` comes after a stage that drops dns events.
 *
 * @param later the stages after it in this process
 * @param commands returns the commands after it in other processes
 */
export function droppedDnsReporter(
  stage: string,
  later: readonly string[],
  commands: () => readonly string[],
): () => void {
  let reported = false;
  return () => {
    if (reported || !(later.includes(consumer) || commands().includes(consumer))) return;
    reported = true;
    logMessage(
      stage,
      `drops dns events, so ${consumer} after it gets no names from them; put ${consumer} before ${stage}, or use ${stage} --keep-dns`,
    );
  };
}
