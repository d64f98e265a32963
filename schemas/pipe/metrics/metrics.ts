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

/** Parses an address or the path of a file; undefined if it is neither. */
export function metricsAt(text: string): MetricsAt | undefined {
  const listen = address(text);
  if (listen) return { text, listen };
  return /[^/]\.prom$/.test(text) ? { text } : undefined;
}

function place(text: string): MetricsAt {
  const at = metricsAt(text);
  if (!at) throw invalidValue(text, 'use ADDRESS:PORT, PORT or a FILE that ends in .prom');
  return at;
}

/** The option --metrics, the same for all commands. */
export const metricsOption = {
  value: 'ADDRESS:PORT|FILE.prom',
  parse: place,
  help: "Serve metrics for Prometheus at http://ADDRESS:PORT/metrics (PORT alone means 127.0.0.1), or write them to FILE.prom for node_exporter's textfile collector, every 15 s and at the end.",
} satisfies Option;

/**
 * Publishes metrics until it is closed. Calls `read` for each scrape. `open` makes the writer for all writes to a file after
 * the first. With `announce`, reports the address; otherwise only one that was chosen by the system. Throws RuntimeError if
 * it cannot start.
 */
export async function openMetrics(
  { text, listen }: MetricsAt,
  command: string,
  read: () => readonly Metric[],
  { open, announce = false }: { open?: (path: string) => FileWriter; announce?: boolean } = {},
): Promise<{ close(): Promise<void> }> {
  if (listen) {
    const served = await serve(listen, () => expose([...read(), buildInfo(), ...processMetrics()]));
    if (announce || listen.port === 0) logMessage(command, `metrics at ${served.url}`);
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
