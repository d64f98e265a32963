import type { Traced } from './command.js';

/** A signal that follows another so soon is the same one: timeout(1) sends it to the process, and then to its group. */
const sameSignalMs = 1000;

/** Ends the tracer, or asks the command that it traces to end. A later signal ends a run that is stuck. */
export function onSignals(stop: () => void, traced: Traced | undefined): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  let first: number | undefined;
  const release = () => {
    for (const signal of signals) process.off(signal, handle);
  };
  const handle = (signal: NodeJS.Signals) => {
    if (traced?.running && signal === 'SIGINT') return; // Ctrl-C: it has had that from the terminal too, and decides itself
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
