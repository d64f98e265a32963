import type { OutageReporter } from '../../schemas/pipe/run/outage-reporter.js';
import type { RejectPolicy } from '../spool/reject.js';
import type { Receiver } from '../spool/stage.js';
import { Client, type Reach } from './client.js';
import { Delivery, type Destination } from './deliver.js';
import { type HeaderSources, readHeaders } from './headers.js';

export interface Way {
  destination: Omit<Destination, 'post' | 'headers'>;
  reach: Reach;
  headers: HeaderSources;
}

/** An HTTP server, as a receiver of batches. Throws RuntimeError where a file that it needs cannot be read. */
export async function httpReceiver(
  { destination, reach, headers }: Way,
  trouble: OutageReporter,
  rejects: RejectPolicy,
  stop: AbortSignal,
): Promise<Receiver> {
  const known = await readHeaders(headers);
  const client = await Client.open(reach);
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
