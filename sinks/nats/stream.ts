import { setTimeout as sleep } from 'node:timers/promises';
import type { JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { ask, manager, streamsOf } from '../../schemas/nats/jetstream.js';
import { RuntimeError } from '../../schemas/pipe/messages/errors.js';

/** A stream to make where there is none of that name. */
export interface NewStream {
  name: string;
  replicas: number;
  /** How long a Nats-Msg-Id is remembered (ms). */
  duplicateWindow: number;
  /** Messages older than this go (ms); never, if left out. */
  maxAge?: number | undefined;
}

const ns = 1e6;
const nameInUse = 10058;

/** Where to ask about streams, and how long. */
export interface Asked {
  where: string;
  connection: NatsConnection;
  stop: AbortSignal;
}

/** How often, and how long apart (ms), a cluster has to say that there is no stream. */
const times = 5;
const apartMs = 2_000;

/**
 * Whether it is sure that no stream takes a subject. The leader that a cluster has just chosen may not know all of them
 * yet, so that is asked again. Throws as `ask` does.
 */
export async function untaken({ where, connection, stop }: Asked, subject: string): Promise<boolean> {
  for (let asked = 1; ; asked++) {
    const streams = await streamsOf(where, await manager(connection), subject);
    if (!('value' in streams) || streams.value.length > 0) return false; // who may not ask may still publish
    if (!connection.info?.cluster || asked === times) return true;
    await sleep(apartMs, undefined, { signal: stop });
  }
}

/** Sees to it that some stream takes the subjects. Throws RuntimeError where none does, another Error as `ask` does. */
export async function prepare(asked: Asked, subject: string, wanted: NewStream | undefined): Promise<void> {
  if (wanted) await create(asked.where, await manager(asked.connection), subject, wanted);
  if (!(await untaken(asked, subject))) return;
  const remedy = wanted ? `${wanted.name} has other subjects; add it there` : 'add one, or see --create-stream';
  throw new RuntimeError(`${asked.where}: no stream takes ${subject}; ${remedy}`);
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
  if ('value' in made || ('code' in made && made.code === nameInUse)) return; // it stays as it is
  const reason = 'code' in made ? made.reason : 'it is not permitted';
  throw new RuntimeError(`${where}: cannot create the stream ${name}: ${reason}; create it otherwise`);
}
