import { basename } from 'node:path';
import type { Option } from '../command/options.js';
import { address, type Listen } from '../io/listen.js';
import { invalidValue } from '../messages/errors.js';
import { logMessage } from '../messages/log.js';
import { buildInfo, processMetrics } from './families.js';
import { type FileWriter, keep } from './keep.js';
import { serve } from './serve.js';
import { expose, labelled, type Metric } from './text.js';

/** Where to publish metrics. */
export interface MetricsAt {
  /** The text of the option. */
  text: string;
  /** The address to serve them at. Without this, `text` is the path of a file. */
  listen?: Listen;
}

function place(text: string): MetricsAt {
  const listen = address(text);
  if (listen) return { text, listen };
  if (/[^/]\.prom$/.test(text)) return { text };
  throw invalidValue(text, 'use ADDRESS:PORT, PORT or a FILE that ends in .prom');
}

/** The option --metrics, the same for all commands. */
export const metricsOption = {
  value: 'ADDRESS:PORT|FILE.prom',
  parse: place,
  help: "Serve metrics for Prometheus at http://ADDRESS:PORT/metrics (PORT alone means 127.0.0.1), or write them to FILE.prom for node_exporter's textfile collector, every 15 s and at the end.",
} satisfies Option;

/**
 * Publishes metrics until it is closed. Calls `read` for each scrape. `open` makes the writer for all writes to a file after
 * the first. Throws RuntimeError if it cannot start.
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
  const file = basename(text, '.prom'); // distinguishes the files of one host
  return keep(
    text,
    () => expose(labelled([...read(), buildInfo()], { file })),
    (message) => logMessage(command, message),
    undefined,
    open,
  );
}
