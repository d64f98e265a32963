import type { JetStreamManager } from '@nats-io/jetstream';
import { ask, streamsOf } from '../../schemas/nats/jetstream.js';
import { RuntimeError } from '../../schemas/pipe/errors.js';

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

/** Sees to it that some stream takes the subjects. Throws RuntimeError where none does, another Error as `ask` does. */
export async function prepare(
  where: string,
  jsm: JetStreamManager,
  subject: string,
  wanted: NewStream | undefined,
): Promise<void> {
  if (wanted) await create(where, jsm, subject, wanted);
  const streams = await streamsOf(where, jsm, subject);
  if (!('value' in streams) || streams.value.length > 0) return; // who may not ask may still publish
  const remedy = wanted ? `${wanted.name} has other subjects; add it there` : 'add one, or see --create-stream';
  throw new RuntimeError(`${where}: no stream takes ${subject}; ${remedy}`);
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
