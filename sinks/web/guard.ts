import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';

/** The properties of a request that decide whether it is allowed. */
export interface GuardedRequest {
  headers: IncomingHttpHeaders;
  path: string;
  /** The token in the URL, if there is one. */
  token: string | null;
}

/** The access rules: a client needs the token. */
export interface Access {
  token: string;
  /** On loopback, the page itself needs no token. It sets a cookie with the token for the other requests. */
  loopback: boolean;
}

/** Returns the cookie's name. It has the port in it, because browsers share cookies between all ports of a host. */
export const cookieName = (host = '') => `synpipe-token-${/:(\d+)$/.exec(host)?.[1] ?? 80}`;

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i;

/** Returns whether only this machine can reach the address. */
export function isLoopback(address: string): boolean {
  return loopback.test(isIP(address) === 6 ? `[${address}]` : address);
}

/** Compares two texts in constant time. */
function constantTimeEqual(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

function cookie({ host, cookie }: IncomingHttpHeaders): string | undefined {
  return new RegExp(`(?:^|;\\s*)${cookieName(host)}=([^;]*)`).exec(cookie ?? '')?.[1];
}

/**
 * Returns the status and the reason if a request must be rejected, or undefined if it is allowed. A page of another site can
 * make a browser send requests here: under a name that it controls (DNS rebinding), from its own origin, or by a link. The
 * headers reveal the first two. A link sends no cookie, so it can open only the page itself.
 */
export function rejection(
  { headers, path, token }: GuardedRequest,
  { token: wanted, loopback: local }: Access,
): [number, string] | undefined {
  const host = headers.host ?? '';
  const name = host.replace(/:\d+$/, '');
  // A name can be rebound to this address, an IP address cannot. A loopback server accepts only loopback names.
  if (!loopback.test(name) && (local || isIP(name.replace(/^\[|\]$/g, '')) === 0)) {
    return [421, 'open this page by its IP address or as localhost'];
  }
  if (headers.origin !== undefined && headers.origin !== `http://${host}`)
    return [403, 'requests from this origin are not allowed'];
  const site = headers['sec-fetch-site'];
  const opens = path === '/' && headers['sec-fetch-mode'] === 'navigate';
  if (site !== undefined && site !== 'same-origin' && site !== 'none' && !opens) {
    return [403, 'requests from other sites are not allowed'];
  }
  if ((local && path === '/') || constantTimeEqual(token ?? cookie(headers) ?? '', wanted)) return undefined;
  return [
    401,
    local ? 'open the page first: it sets a cookie' : 'open the URL that sink-web printed, including its token',
  ];
}
