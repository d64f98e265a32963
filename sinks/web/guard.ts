import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';

/** What of a request decides whether it is answered. */
export interface Asked {
  headers: IncomingHttpHeaders;
  path: string;
  /** The token in the address, if one is there. */
  token: string | null;
}

/** Who may read: who knows the token. */
export interface Access {
  token: string;
  /** On loopback, the page itself is for all who can reach it, and brings the token. */
  loopback: boolean;
}

/** A browser keeps cookies by host: two pages on one host have two names. */
export const cookieName = (host = '') => `synpipe-token-${/:(\d+)$/.exec(host)?.[1] ?? 80}`;

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i;

/** Whether nobody but this machine can reach the address. */
export function isLoopback(address: string): boolean {
  return loopback.test(isIP(address) === 6 ? `[${address}]` : address);
}

/** Equal, in a time that says nothing about where they differ. */
function same(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

function cookie({ host, cookie }: IncomingHttpHeaders): string | undefined {
  return new RegExp(`(?:^|;\\s*)${cookieName(host)}=([^;]*)`).exec(cookie ?? '')?.[1];
}

/**
 * Returns why a request is refused: its status and the reason; undefined if it is to be answered. A page elsewhere can make
 * a browser send requests here: under a name of its own (DNS rebinding), from its own origin, or by leading it here. The
 * headers show the first two. The last brings no cookie, so only the page itself is answered.
 */
export function refusal(
  { headers, path, token }: Asked,
  { token: wanted, loopback: local }: Access,
): [number, string] | undefined {
  const host = headers.host ?? '';
  const name = host.replace(/:\d+$/, '');
  // A name can be rebound to this address, a number cannot. On loopback only this machine's own are meant.
  if (!loopback.test(name) && (local || isIP(name.replace(/^\[|\]$/g, '')) === 0)) {
    return [421, 'open this page by its IP address or as localhost'];
  }
  if (headers.origin !== undefined && headers.origin !== `http://${host}`) return [403, 'this origin may not read it'];
  const site = headers['sec-fetch-site'];
  const opens = path === '/' && headers['sec-fetch-mode'] === 'navigate';
  if (site !== undefined && site !== 'same-origin' && site !== 'none' && !opens) {
    return [403, 'another site may not read it'];
  }
  if ((local && path === '/') || same(token ?? cookie(headers) ?? '', wanted)) return undefined;
  return [
    401,
    local ? 'open the page first: it sets a cookie' : 'open the address that sink-web printed, with its token',
  ];
}
