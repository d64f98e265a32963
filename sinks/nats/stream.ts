import { setTimeout as sleep } from 'node:timers/promises';
import type { JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { ask, manager, streamsOf } from '../../schemas/nats/jetstream.js';
import { RuntimeError } from '../../schemas/pipe/messages/errors.js';

/** A stream to create if none of that name exists. */
export interface NewStream {
  name: string;
  replicas: number;
  /** How long a Nats-Msg-Id is remembered (ms). */
  duplicateWindow: number;
  /** How long messages are kept (ms; default: forever). */
  maxAge?: number | undefined;
}

const ns = 1e6;
const nameInUse = 10058;

/** Where to look up streams, and the signal that cancels it. */
export interface StreamQuery {
  where: string;
  connection: NatsConnection;
  stop: AbortSignal;
}

/** How often, and at what interval (ms), a cluster must report that there is no stream before that counts. */
const times = 5;
const apartMs = 2_000;

/**
 * Returns whether it is certain that no stream accepts a subject. A newly elected cluster leader may not know all streams
 * yet, so a cluster is asked several times. Throws as `ask` does.
 */
export async function isWithoutStream({ where, connection, stop }: StreamQuery, subject: string): Promise<boolean> {
  for (let asked = 1; ; asked++) {
    const streams = await streamsOf(where, await manager(connection), subject);
    if (!('value' in streams) || streams.value.length > 0) return false; // publishing may be permitted even if asking is not
    if (!connection.info?.cluster || asked === times) return true;
    await sleep(apartMs, undefined, { signal: stop });
  }
}

/** Creates the stream if asked to. Throws RuntimeError if no stream accepts the subjects, and otherwise as `ask` does. */
export async function prepare(asked: StreamQuery, subject: string, wanted: NewStream | undefined): Promise<void> {
  if (wanted) await create(asked.where, await manager(asked.connection), subject, wanted);
  if (!(await isWithoutStream(asked, subject))) return;
  const remedy = wanted ? `${wanted.name} has other subjects; add this one` : 'create one, or see --create-stream';
  throw new RuntimeError(`${asked.where}: no stream accepts ${subject}; ${remedy}`);
}

async function create(where: string, jsm: JetStreamManager, subject: string, wanted: NewStream): Promise<void> {
  const { name, replicas, duplicateWindow, maxAge = 0 } = wanted;
  const config = {
    name,
    subjects: [subject],
    num_replicas: replicas,
    duplicate_window: (maxAge > 0 ? Math.min(duplicateWindow, maxAge) : duplicateWindow) * ns,
    max_age: maxAge * ns,
  };
  const made = await ask(where, () => jsm.streams.add(config));
  if ('value' in made || ('code' in made && made.code === nameInUse)) return; // an existing stream is not changed
  const reason = 'code' in made ? made.reason : 'permission denied';
  throw new RuntimeError(`${where}: cannot create the stream ${name}: ${reason}; create it with other means`);
}
