import type { Options, Values } from '../pipe/command/options.js';
import { checkPair, type TlsFiles, tlsOptions } from '../pipe/io/tls.js';
import { invalidValue, UsageError } from '../pipe/messages/errors.js';

/** Options for connecting to NATS, shared by all commands that do. */
export const reachOptions = {
  'auth-file': {
    value: 'FILE',
    help: 'Read the credentials from FILE: a .creds file, an nkey seed, user:password, or a token.',
  },
  ...tlsOptions,
} satisfies Options;

export interface Reach extends TlsFiles {
  /** `host:port` of one server, or of several servers of one cluster. */
  servers: string[];
  /** Use TLS even if the server does not ask for it. */
  tls: boolean;
  authFile?: string | undefined;
}

/** Parses an option's name of a stream or consumer. Throws UsageError. */
export function natsName(text: string): string {
  if (!/^[\w-]{1,200}$/.test(text)) throw invalidValue(text, 'use letters, digits, "_" and "-"');
  return text;
}

/** Parses `nats://one:4222,two` and the options into a Reach. Throws UsageError. */
export function reachOf(text: string, { authFile, ca, cert, key }: Values<typeof reachOptions>): Reach {
  checkPair({ cert, key });
  const urls = text.split(',').map(parseUrl);
  const tls = urls.some(({ protocol }) => protocol === 'tls:') || ca !== undefined || cert !== undefined;
  return { servers: urls.map(({ host, port }) => (port ? host : `${host}:4222`)), tls, authFile, ca, cert, key };
}

function parseUrl(text: string): URL {
  const given = /^[a-z]+:\/\//.test(text) ? text : `nats://${text}`;
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (!url || !['nats:', 'tls:'].includes(url.protocol) || !url.hostname || !/^\/?$/.test(url.pathname + url.search))
    throw new UsageError(
      `invalid URL "${text}": use nats://HOST:PORT or tls://HOST:PORT, or several separated by commas`,
    );
  if (url.username || url.password)
    throw new UsageError('a password in URL is seen by every user of this machine; use --auth-file');
  return url;
}
