import type { Options, Values } from '../pipe/command/options.js';
import { UsageError } from '../pipe/messages/errors.js';

/** How to reach NATS: what all commands that do have in common. */
export const reachOptions = {
  'auth-file': {
    value: 'FILE',
    help: "FILE holds the credentials: a .creds file, an nkey's seed, user:password, or a token.",
  },
  ca: { value: 'FILE', help: "Trust this CA's certificates (PEM) instead of the usual ones." },
  cert: { value: 'FILE', help: "The client's certificate (PEM), with --key." },
  key: { value: 'FILE', help: 'Its key.' },
} satisfies Options;

export interface Reach {
  /** `host:port` of one server or several of one cluster. */
  servers: string[];
  /** Encrypted, even where the server does not ask for it. */
  tls: boolean;
  authFile?: string | undefined;
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
}

/** The servers of `nats://one:4222,two`, and how to reach them. Throws UsageError. */
export function reachOf(text: string, { authFile, ca, cert, key }: Values<typeof reachOptions>): Reach {
  if ((cert === undefined) !== (key === undefined)) throw new UsageError('--cert and --key go together');
  const urls = text.split(',').map(parseUrl);
  const tls = urls.some(({ protocol }) => protocol === 'tls:') || ca !== undefined || cert !== undefined;
  return { servers: urls.map(({ host, port }) => (port ? host : `${host}:4222`)), tls, authFile, ca, cert, key };
}

function parseUrl(text: string): URL {
  const given = /^[a-z]+:\/\//.test(text) ? text : `nats://${text}`;
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (!url || !['nats:', 'tls:'].includes(url.protocol) || !url.hostname || !/^\/?$/.test(url.pathname + url.search))
    throw new UsageError(`URL wants nats://HOST:PORT or tls://HOST:PORT, or several with commas, not "${text}"`);
  if (url.username || url.password)
    throw new UsageError('a password in URL is seen by every user of this machine; use --auth-file');
  return url;
}
