import { UsageError } from '../messages/errors.js';

/** An address of this machine; port 0 takes a free one. */
export interface Listen {
  host: string;
  port: number;
}

/** An option's `parse` for `ADDRESS:PORT` or `PORT`: loopback, where no address is given. */
export function listen(text: string): Listen {
  const found = address(text);
  if (!found) throw new UsageError(`wants ADDRESS:PORT or PORT, not "${text}"`);
  return found;
}

/** The same; undefined where it is none. */
export function address(text: string): Listen | undefined {
  const [, bracketed, plain, port] = /^(?:(?:\[([^\]]+)\]|([^:/]*)):)?(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined || Number(port) > 65535) return undefined;
  return { host: (bracketed ?? plain) || '127.0.0.1', port: Number(port) };
}
