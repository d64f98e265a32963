import { logMessage } from '../messages/log.js';

/** The command that takes names from dns events. */
const consumer = 'enrich';

/**
 * Returns what reports, once, that dns events end in a stage although an `enrich` after it could take names from them.
 * `later` are the stages after it in this process, `commands` returns those of other processes.
 */
export function dnsEndReporter(stage: string, later: readonly string[], commands: () => readonly string[]): () => void {
  let reported = false;
  return () => {
    if (reported || !(later.includes(consumer) || commands().includes(consumer))) return;
    reported = true;
    logMessage(
      stage,
      `dns events end here, so the ${consumer} after it gets no names from them; put ${consumer} before ${stage}, or write ${stage} --keep-dns`,
    );
  };
}
