import { UsageError } from '../messages/errors.js';

/** An address to listen on. Port 0 means any free port. */
export interface Listen {
  host: string;
  port: number;
}

/** Parses an option's `ADDRESS:PORT` or `PORT`. The default address is loopback. */
export function listen(text: string): Listen {
  const found = address(text);
  if (!found) throw new UsageError(`must be ADDRESS:PORT or PORT, not "${text}"`);
  return found;
}

/** The same, but returns undefined if the text is not an address. */
export function address(text: string): Listen | undefined {
  const [, bracketed, plain, port] = /^(?:(?:\[([^\]]+)\]|([^:/]*)):)?(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined || Number(port) > 65535) return undefined;
  return { host: (bracketed ?? plain) || '127.0.0.1', port: Number(port) };
}
