import type { Consumer, ConsumerConfig, JetStreamManager } from '@nats-io/jetstream';
import { ask } from '../../schemas/nats/jetstream.js';
import { RuntimeError } from '../../schemas/pipe/messages/errors.js';
import { logMessage } from '../../schemas/pipe/messages/log.js';
import type { From } from './from.js';

export interface Wanted {
  command: string;
  /** The servers, for messages. */
  where: string;
  stream: string;
  durable: string;
  /** Only subjects that match this. */
  subject?: string | undefined;
  from?: From | undefined;
  /** When an event goes to another worker if its worker does not respond (ms). */
  ackWait: number;
}

const noStream = 10059;
const noConsumer = 10014;
/** More than all workers of a consumer together hold. */
const mostPending = 100_000;
const ns = 1e6;

/** Checks that the consumer still exists. Throws RuntimeError if it is gone, other errors as `ask` does. */
export async function sameConsumer(jsm: JetStreamManager, wanted: Wanted): Promise<void> {
  const found = await ask(wanted.where, () => jsm.consumers.info(wanted.stream, wanted.durable));
  if (!('value' in found)) throw consumerError('code' in found ? { ...found, reason: 'it is gone' } : found, wanted);
}

/** Returns the durable consumer, which it creates if necessary. Throws RuntimeError if it cannot, other errors as `ask` does. */
export async function consumerOf(jsm: JetStreamManager, wanted: Wanted): Promise<Consumer> {
  const { command, where, stream, durable, from } = wanted;
  const found = await ask(where, () => jsm.consumers.info(stream, durable));
  if ('value' in found && found.value.config.deliver_subject)
    throw new RuntimeError(`${where}: ${durable} is a push consumer; choose another name for --durable`);
  if ('value' in found && from)
    logMessage(
      command,
      `the consumer ${durable} continues from its last position; --from is only for a new one, see --durable`,
    );
  if ('code' in found && found.code === noConsumer) await create(jsm, wanted);
  else if (!('value' in found)) throw consumerError(found, wanted);
  const got = await ask(where, () => jsm.jetstream().consumers.get(stream, durable));
  if (!('value' in got)) throw consumerError(got, wanted);
  return got.value;
}

async function create(jsm: JetStreamManager, wanted: Wanted): Promise<void> {
  const { where, stream, durable, subject, from = { deliver_policy: 'all' }, ackWait } = wanted;
  const config = {
    durable_name: durable,
    ack_policy: 'explicit',
    ack_wait: ackWait * ns,
    max_ack_pending: mostPending,
    ...(subject && { filter_subject: subject }),
    ...from,
  } as Partial<ConsumerConfig>;
  const made = await ask(where, () => jsm.consumers.add(stream, config));
  if (!('value' in made)) throw consumerError(made, wanted);
}

function consumerError(answer: { forbidden: true } | { code: number; reason: string }, wanted: Wanted): RuntimeError {
  const { where, stream, durable } = wanted;
  if ('forbidden' in answer)
    return new RuntimeError(`${where}: may not use the consumer ${durable} of ${stream}; check the permissions`);
  if (answer.code === noStream)
    return new RuntimeError(`${where}: the stream ${stream} does not exist; check its name`);
  return new RuntimeError(`${where}: cannot use the consumer ${durable} of ${stream}: ${answer.reason}; see --durable`);
}
