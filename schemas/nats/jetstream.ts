import type { JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { RuntimeError } from '../pipe/messages/errors.js';

/** What a request to JetStream's own API came to. */
export type Answer<T> = { value: T } | { forbidden: true } | { code: number; reason: string };

const apiMs = 5_000;

/** Streams and consumers, as the server manages them. */
export async function manager(connection: NatsConnection): Promise<JetStreamManager> {
  const { jetstreamManager } = await import('@nats-io/jetstream');
  return jetstreamManager(connection, { timeout: apiMs, checkAPI: false });
}

/**
 * Makes a request to the API. Throws RuntimeError where there is no JetStream, another Error where there is no answer
 * now, as while a cluster chooses its leader.
 */
export async function ask<T>(where: string, request: () => Promise<T>): Promise<Answer<T>> {
  const { JetStreamApiError } = await import('@nats-io/jetstream');
  const { errors } = await import('@nats-io/transport-node');
  try {
    return { value: await request() };
  } catch (error) {
    const { cause, name } = error as Error;
    if (name === 'JetStreamNotEnabled')
      throw new RuntimeError(
        `${where}: no responders: JetStream is not enabled for this account; see the server's configuration`,
      );
    if ([error, cause].some((one) => one instanceof errors.PermissionViolationError)) return { forbidden: true };
    if (error instanceof JetStreamApiError) {
      if (error.status === 503) throw new Error(error.message);
      return { code: error.code, reason: error.message };
    }
    throw new Error('JetStream does not answer');
  }
}

/** The streams that take a subject, or some of those that one with wildcards stands for. */
export async function streamsOf(where: string, jsm: JetStreamManager, subject: string): Promise<Answer<string[]>> {
  return ask(where, async () => {
    const names: string[] = [];
    for await (const name of jsm.streams.names(subject)) names.push(name);
    return names;
  });
}
