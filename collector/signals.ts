import type { Traced } from './command.js';

/** A signal that follows another within this time is the same one: timeout(1) signals the process, and then its group. */
const sameSignalMs = 1000;

/**
 * Handles signals: the first one stops the tracer, or is passed on to the command that it traces. A later one ends a run that
 * is stuck. Returns a function that removes the handlers.
 */
export function onSignals(stop: () => void, traced: Traced | undefined): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  let first: number | undefined;
  const release = () => {
    for (const signal of signals) process.off(signal, handle);
  };
  const handle = (signal: NodeJS.Signals) => {
    if (traced?.running && signal === 'SIGINT') return; // Ctrl-C: the command got it from the terminal too, and decides itself
    if (first !== undefined) {
      if (performance.now() - first < sameSignalMs) return;
      release();
      process.kill(process.pid, signal);
      return;
    }
    first = performance.now();
    if (traced?.running) traced.kill(signal);
    else stop();
  };
  for (const signal of signals) process.on(signal, handle);
  return release;
}
