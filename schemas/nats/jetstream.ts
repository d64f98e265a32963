import type { JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { RuntimeError } from '../pipe/messages/errors.js';

/** The result of a request to the JetStream API. */
export type Answer<T> = { value: T } | { forbidden: true } | { code: number; reason: string };

const apiMs = 5_000;

/** Returns a manager for the server's streams and consumers. */
export async function manager(connection: NatsConnection): Promise<JetStreamManager> {
  const { jetstreamManager } = await import('./nats-client.js');
  return jetstreamManager(connection, { timeout: apiMs, checkAPI: false });
}

/**
 * Makes a request to the JetStream API. Throws RuntimeError if JetStream is not enabled, and another Error if there is no answer
 * for now, for example while a cluster elects its leader.
 */
export async function ask<T>(where: string, request: () => Promise<T>): Promise<Answer<T>> {
  const { errors, JetStreamApiError } = await import('./nats-client.js');
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

/** Returns the names of the streams that take a subject. A subject with wildcards gives the streams that take any of it. */
export async function streamsOf(where: string, jsm: JetStreamManager, subject: string): Promise<Answer<string[]>> {
  return ask(where, async () => {
    const names: string[] = [];
    for await (const name of jsm.streams.names(subject)) names.push(name);
    return names;
  });
}
