import type { OutageReporter } from '../../schemas/pipe/run/outage-reporter.js';
import type { RejectPolicy } from '../spool/reject.js';
import type { Receiver } from '../spool/stage.js';
import { Client, type ConnectionOptions } from './client.js';
import { Delivery, type Destination } from './deliver.js';
import { type HeaderSources, readHeaders } from './headers.js';

export interface HttpOptions {
  destination: Omit<Destination, 'post' | 'headers'>;
  connection: ConnectionOptions;
  headers: HeaderSources;
}

/** Returns a receiver that delivers batches to an HTTP server. Throws RuntimeError if a file it needs cannot be read. */
export async function httpReceiver(
  { destination, connection, headers }: HttpOptions,
  trouble: OutageReporter,
  rejects: RejectPolicy,
  stop: AbortSignal,
): Promise<Receiver> {
  const known = await readHeaders(headers);
  const client = await Client.open(connection);
  const to: Destination = { ...destination, headers: known, post: (...request) => client.post(...request) };
  const delivery = new Delivery(to, rejects, trouble, stop);
  return {
    prepare: () => client.prepare(),
    deliver: (batch, tally) => delivery.deliver(batch, tally),
    reopen: async () => {
      to.headers = await readHeaders(headers);
    },
    close: () => client.close(),
  };
}
