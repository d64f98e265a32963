import type { Options, Values } from '../../schemas/pipe/command/options.js';
import { bytes, duration } from '../../schemas/pipe/command/units.js';
import { noLock } from '../../schemas/pipe/io/lock.js';
import { needs } from '../../schemas/pipe/messages/errors.js';
import { OutageReporter } from '../../schemas/pipe/run/outage-reporter.js';
import { type RejectPolicy, rejectPolicy } from './reject.js';
import { Spool } from './spool.js';
import { BatchSink, type BatchSinkOptions, type Receiver } from './stage.js';
import { MemoryStore } from './store.js';

/** Returns the options of a sink that delivers batches to a server. `rejected` says which events are rejected, for the help. */
export const deliveryOptions = (rejected: string) =>
  ({
    spool: {
      value: 'DIR',
      help: 'Store lines in this folder until they are delivered, so that they survive outages and crashes. kill -9 loses at most the contents of the pipe and one read.',
    },
    'spool-size': {
      value: 'SIZE',
      parse: bytes,
      help: 'The maximum size of DIR (default 1G). When it is reached, the input waits.',
    },
    'no-lock': noLock,
    'on-reject': {
      value: 'fail|drop|FILE',
      help: `What to do with events that ${rejected}: exit with an error (default), drop and count them, or append them to FILE with the reason (write ./drop for a file of that name).`,
    },
    timeout: {
      value: 'TIME',
      parse: duration,
      help: 'How long to keep trying after the end of input (default 30s). Undelivered lines then stay in the spool; without a spool, the exit code is 1.',
    },
  }) satisfies Options;

/** How a sink delivers, besides what the options say. */
interface Delivery
  extends Pick<BatchSinkOptions, 'name' | 'where' | 'batchBytes' | 'batchLines' | 'batchTime' | 'concurrency'> {
  open(trouble: OutageReporter, rejects: RejectPolicy, stop: AbortSignal): Promise<Receiver>;
}

/** Returns the stage for these options. Throws UsageError. */
export function batchSink(
  values: Values<ReturnType<typeof deliveryOptions>> & { lenient?: boolean },
  { open, ...delivery }: Delivery,
): BatchSink {
  const { name, where, concurrency } = delivery;
  const {
    spool: folder,
    spoolSize: most = 2 ** 30,
    noLock,
    onReject = 'fail',
    timeout = 30_000,
    lenient = false,
  } = values;
  if (folder === undefined && noLock) throw needs('--no-lock', '--spool');
  const spool = folder ? new Spool({ stage: name, folder, most, lock: !noLock, lenient }) : undefined;
  const trouble = new OutageReporter(name, where);
  return new BatchSink({
    ...delivery,
    store: spool ?? new MemoryStore(2 * concurrency),
    durable: spool !== undefined,
    rejects: () => rejectPolicy(onReject, name),
    timeout,
    trouble,
    open: (rejects, stop) => open(trouble, rejects, stop),
  });
}
