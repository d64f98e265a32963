import { printable } from '../messages/printable.js';

/** What an event says about its remote end. */
export interface Destination {
  daddr: string;
  dport: number;
  name?: string;
  name_ambiguous?: boolean;
}

/** Returns the name of the remote address, with a "?" if it is a guess, or the address if no name is known. */
export function host({ daddr, name, name_ambiguous }: Destination): string {
  return name === undefined ? daddr : printable(name) + (name_ambiguous ? '?' : '');
}

/** Returns host and port: `db.example.com:5432`, `10.0.0.7:5432`, `[2001:db8::7]:5432`. */
export function endpoint(event: Destination): string {
  const name = host(event);
  return `${name.includes(':') ? `[${name}]` : name}:${event.dport}`;
}
