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
  /** After so long without a word of its worker an event goes to another (ms). */
  ackWait: number;
}

const noStream = 10059;
const noConsumer = 10014;
/** More than all the workers of a consumer hold at once. */
const mostPending = 100_000;
const ns = 1e6;

/** The consumer that was there before. Throws RuntimeError where it is gone, another Error as `ask` does. */
export async function sameConsumer(jsm: JetStreamManager, wanted: Wanted): Promise<void> {
  const found = await ask(wanted.where, () => jsm.consumers.info(wanted.stream, wanted.durable));
  if (!('value' in found)) throw refusal('code' in found ? { ...found, reason: 'it is gone' } : found, wanted);
}

/** Finds the durable consumer, or makes it. Throws RuntimeError where that cannot be, another Error as `ask` does. */
export async function consumerOf(jsm: JetStreamManager, wanted: Wanted): Promise<Consumer> {
  const { command, where, stream, durable, from } = wanted;
  const found = await ask(where, () => jsm.consumers.info(stream, durable));
  if ('value' in found && found.value.config.deliver_subject)
    throw new RuntimeError(`${where}: the consumer ${durable} pushes events; give --durable another name`);
  if ('value' in found && from)
    logMessage(command, `the consumer ${durable} goes on where it was; --from is for a new one, see --durable`);
  if ('code' in found && found.code === noConsumer) await make(jsm, wanted);
  else if (!('value' in found)) throw refusal(found, wanted);
  const got = await ask(where, () => jsm.jetstream().consumers.get(stream, durable));
  if (!('value' in got)) throw refusal(got, wanted);
  return got.value;
}

async function make(jsm: JetStreamManager, wanted: Wanted): Promise<void> {
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
  if (!('value' in made)) throw refusal(made, wanted);
}

function refusal(answer: { forbidden: true } | { code: number; reason: string }, wanted: Wanted): RuntimeError {
  const { where, stream, durable } = wanted;
  if ('forbidden' in answer)
    return new RuntimeError(`${where}: may not use the consumer ${durable} of ${stream}; check the permissions`);
  if (answer.code === noStream) return new RuntimeError(`${where}: there is no stream ${stream}; check its name`);
  return new RuntimeError(`${where}: cannot use the consumer ${durable} of ${stream}: ${answer.reason}; see --durable`);
}
