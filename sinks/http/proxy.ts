import { isIP } from 'node:net';
import { bytesOf, parseNetwork, sameBits } from '../../schemas/pipe/line/address.js';
import { UsageError } from '../../schemas/pipe/messages/errors.js';

export interface HttpProxy {
  /** Without credentials. */
  origin: string;
  /** The value of Proxy-Authorization. */
  authorization?: string;
}

/**
 * Returns the proxy to connection `target`, from the environment: HTTP_PROXY for http://, HTTPS_PROXY for https://, in lower
 * case first, as curl does. Throws UsageError if its value is not an address; the message leaves out the value, which
 * may hold a password.
 */
export function proxyFor(target: URL, environment: NodeJS.ProcessEnv = process.env): HttpProxy | undefined {
  const lower = target.protocol === 'http:' ? 'http_proxy' : 'https_proxy';
  const name = environment[lower] === undefined ? lower.toUpperCase() : lower;
  const value = environment[name];
  if (!value || isExempt(target, environment.no_proxy ?? environment.NO_PROXY ?? '')) return undefined;
  const proxy = parse(value);
  if (!proxy) throw new UsageError(`invalid ${name}: use HOST:PORT, http://HOST:PORT or https://HOST:PORT`);
  return proxy;
}

function parse(value: string): HttpProxy | undefined {
  const text = value.includes('://') ? value : `http://${value}`;
  const url = /\s/.test(value) || !URL.canParse(text) ? undefined : new URL(text);
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') return undefined;
  const { origin, username, password } = url;
  if (!username && !password) return { origin };
  try {
    const login = decodeURIComponent(`${username}:${password}`);
    return { origin, authorization: `Basic ${Buffer.from(login).toString('base64')}` };
  } catch {
    return undefined;
  }
}

/**
 * Returns whether NO_PROXY exempts `target`: by a host name (its subdomains included), an address or a network in CIDR
 * notation, each with an optional port, or `*` for everything. Entries that cannot be parsed exempt nothing, as with curl.
 */
export function isExempt({ protocol, hostname, port }: URL, list: string): boolean {
  const host = bare(hostname);
  const at = port || (protocol === 'https:' ? '443' : '80');
  return list.split(/[\s,]+/).some((entry) => {
    if (entry === '*') return true;
    const [, name = entry, only] = (isIP(entry) === 6 ? undefined : /^(.+):(\d+)$/.exec(entry)) ?? [];
    if (only !== undefined && only !== at) return false;
    if (isIP(host)) return contains(name.replace(/^\[(.*)\]$/, '$1'), host);
    const domain = bare(name.replace(/^\*?\./, ''));
    return domain !== '' && (host === domain || host.endsWith(`.${domain}`));
  });
}

/** Returns a host in lower case, without brackets or the dot at the end of a full name. */
const bare = (host: string) => host.toLowerCase().replace(/^\[(.*)\]$|\.$/g, '$1');

/** Returns whether an address or a network in CIDR notation contains the address. */
function contains(network: string, address: string): boolean {
  const { version, bytes, prefix } = parseNetwork(network) ?? {};
  return bytes !== undefined && version === isIP(address) && sameBits(bytes, bytesOf(address), prefix);
}
