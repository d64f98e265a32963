import { basename } from 'node:path';
import type { Option } from '../command/options.js';
import { address, type Listen } from '../io/listen.js';
import { UsageError } from '../messages/errors.js';
import { logMessage } from '../messages/log.js';
import { buildInfo, processMetrics } from './families.js';
import { type FileWriter, keep } from './keep.js';
import { serve } from './serve.js';
import { expose, labelled, type Metric } from './text.js';

/** Where metrics are to be had. */
export interface MetricsAt {
  /** As given. */
  text: string;
  /** An address to serve them at; else `text` is the path of a file. */
  listen?: Listen;
}

function place(text: string): MetricsAt {
  const listen = address(text);
  if (listen) return { text, listen };
  if (/[^/]\.prom$/.test(text)) return { text };
  throw new UsageError(`wants ADDRESS:PORT, PORT or a FILE that ends in .prom, not "${text}"`);
}

/** The option, the same for all commands. */
export const metricsOption = {
  value: 'ADDRESS:PORT|FILE.prom',
  parse: place,
  help: "Serve counts for Prometheus at http://ADDRESS:PORT/metrics (PORT alone is 127.0.0.1's), or keep them in FILE.prom for node_exporter's textfile collector, written anew each 15 s and at the end.",
} satisfies Option;

/**
 * What is measured, until it is closed. `read` is called for each scrape; `open` makes what writes a file after the first
 * time. Throws RuntimeError if it cannot begin.
 */
export async function openMetrics(
  { text, listen }: MetricsAt,
  command: string,
  read: () => readonly Metric[],
  open?: (path: string) => FileWriter,
): Promise<{ close(): Promise<void> }> {
  if (listen) {
    const served = await serve(listen, () => expose([...read(), buildInfo(), ...processMetrics()]));
    if (listen.port === 0) logMessage(command, `metrics at ${served.url}`);
    return served;
  }
  const file = basename(text, '.prom'); // files of one host stand side by side
  return keep(
    text,
    () => expose(labelled([...read(), buildInfo()], { file })),
    (message) => logMessage(command, message),
    undefined,
    open,
  );
}
