import type { AddressInfo, Server } from 'node:net';
import { cause, invalidValue, RuntimeError, remedy } from '../messages/errors.js';

/** An address to listen on. Port 0 means any free port. */
export interface Listen {
  host: string;
  port: number;
}

/** Parses an option's `ADDRESS:PORT` or `PORT`. The default address is loopback. */
export function listen(text: string): Listen {
  const found = address(text);
  if (!found) throw invalidValue(text, 'use ADDRESS:PORT or PORT');
  return found;
}

/** The same, but returns undefined if the text is not an address. */
export function address(text: string): Listen | undefined {
  const [, bracketed, plain, port] = /^(?:(?:\[([^\]]+)\]|([^:/]*)):)?(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined || Number(port) > 65535) return undefined;
  return { host: (bracketed ?? plain) || '127.0.0.1', port: Number(port) };
}

/** Makes a server listen. Resolves to the root of its URLs, such as `http://127.0.0.1:8040`. Throws RuntimeError. */
export async function startListening(server: Server, { host, port }: Listen): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, resolve);
  }).catch((error) => {
    throw new RuntimeError(`cannot listen on ${host} port ${port}: ${cause(error)}; ${remedy(error)}`);
  });
  const bound = server.address() as AddressInfo;
  return `http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`;
}
