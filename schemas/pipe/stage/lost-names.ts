import { say } from '../messages/say.js';

/** The command that takes names from dns events. */
const taker = 'enrich';

/**
 * Returns what reports, once, that dns events end in a stage although an `enrich` after it could take names from them.
 * `later` are the stages after it in this process, `commands` returns those of other processes.
 */
export function lostNames(stage: string, later: readonly string[], commands: () => readonly string[]): () => void {
  let reported = false;
  return () => {
    if (reported || !(later.includes(taker) || commands().includes(taker))) return;
    reported = true;
    say(
      stage,
      `dns events end here, so the ${taker} after it gets no names from them; put ${taker} before ${stage}, or write ${stage} --keep-dns`,
    );
  };
}
