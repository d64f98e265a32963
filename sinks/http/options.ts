import type { Options, Values } from '../../schemas/pipe/command/options.js';
import { duration } from '../../schemas/pipe/command/units.js';
import { checkPair, tlsOptions } from '../../schemas/pipe/io/tls.js';
import { UsageError } from '../../schemas/pipe/messages/errors.js';
import type { ConnectionOptions } from './client.js';
import type { HeaderSources } from './headers.js';
import { proxyFor } from './proxy.js';

/** The options of a sink that sends HTTP requests. */
export const requestOptions = {
  'request-timeout': { value: 'TIME', parse: duration, help: 'The time limit for one request (default 30s).' },
  'auth-file': { value: 'FILE', help: 'Read a token, user:password, or a complete Authorization value from FILE.' },
  header: { value: 'NAME: VALUE', many: true, help: 'Add a header. For secrets use --header-file.' },
  'header-file': { value: 'FILE', help: 'Read headers from FILE, one per line.' },
  ...tlsOptions,
} satisfies Options;

/** How to send requests to a server. */
export interface RequestTarget extends ConnectionOptions {
  headers: HeaderSources;
  /** The server's address and the proxy, without secrets. */
  where: string;
}

/**
 * Returns how to send requests to the URL `address`. Without a path in it, `path` is used. `scheme` is that of a token.
 * Throws UsageError.
 */
export function requestTarget(
  address: string,
  { path, scheme = 'Bearer', connections }: { path: string; scheme?: string | undefined; connections: number },
  values: Values<typeof requestOptions>,
): RequestTarget {
  checkPair(values);
  const url = parseUrl(address, path);
  const proxy = proxyFor(url);
  return {
    url,
    proxy,
    tls: { ca: values.ca, cert: values.cert, key: values.key },
    connections,
    timeout: values.requestTimeout ?? 30_000,
    headers: { given: values.header ?? [], headerFile: values.headerFile, authFile: values.authFile, scheme },
    where: shown(url) + (proxy ? ` through the proxy ${proxy.origin}` : ''),
  };
}

function parseUrl(text: string, path: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new UsageError(`invalid URL "${text}": use http:// or https://`);
  if (url.username || url.password)
    throw new UsageError('a password in URL is seen by every user of this machine; use --auth-file');
  if (url.pathname === '/') url.pathname = path;
  return url;
}

/** Returns an address without what may be secret in it. */
const shown = ({ origin, pathname }: URL): string => origin + pathname;
