import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';

/** What of a request decides whether it is answered. */
export interface Asked {
  headers: IncomingHttpHeaders;
  /** The token in the address, if one is there. */
  token: string | null;
}

export const cookieName = 'synpipe-token';

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

function cookie(headers: IncomingHttpHeaders): string | undefined {
  return new RegExp(`(?:^|;\\s*)${cookieName}=([^;]*)`).exec(headers.cookie ?? '')?.[1];
}

/**
 * Why a request is refused: its status and the reason; undefined where it is to be answered. A page elsewhere can make
 * a browser send requests here under a name of its own (DNS rebinding) or from its own origin; both show in the headers.
 */
export function refusal({ headers, token }: Asked, wanted: string | undefined): [number, string] | undefined {
  const host = headers.host ?? '';
  const name = host.replace(/:\d+$/, '');
  // A name can be rebound to this address, a number cannot; without a token only this machine's own are meant.
  if (wanted === undefined ? !loopback.test(name) : !loopback.test(name) && isIP(name.replace(/^\[|\]$/g, '')) === 0) {
    return [421, 'open this page by its IP address or as localhost'];
  }
  if (headers.origin !== undefined && headers.origin !== `http://${host}`) return [403, 'this origin may not read it'];
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none' && headers['sec-fetch-mode'] !== 'navigate') {
    return [403, 'another site may not read it'];
  }
  if (wanted !== undefined && !same(token ?? cookie(headers) ?? '', wanted)) {
    return [401, 'open the address that sink-web printed, with its token'];
  }
  return undefined;
}
