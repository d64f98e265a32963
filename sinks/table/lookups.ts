import type { Dns } from '../../schemas/generated/events.js';
import { printable } from '../../schemas/pipe/messages/printable.js';
import { type Column, clock, milliseconds } from './cells.js';

/** How many addresses to show. The rest are only counted. */
const mostAddresses = 2;

/** Returns the columns for look-ups: which process asked for what, and the answer. */
export function lookups(): Column<Dns>[] {
  return [
    { title: 'TIME', width: 8, text: ({ ts }) => clock(ts) },
    { title: 'PID', width: 7, text: ({ pid = '-' }) => String(pid) },
    { title: 'COMM', width: 15, text: ({ comm = '-' }) => printable(comm) },
    { title: 'NAME', width: 30, text: ({ name }) => printable(name) },
    { title: 'QTYPE', width: 5, text: ({ qtype = '-' }) => qtype },
    { title: 'ANSWER', width: 31, text: answer },
    { title: 'LATENCY', width: 12, text: ({ latency_us: us }) => (us === undefined ? '-' : `${milliseconds(us)} ms`) },
    { title: 'SERVER', width: 0, text: ({ server = '-' }) => server },
  ];
}

/** Formats the answer: `192.0.2.7,192.0.2.8 and 3 more`, `NXDOMAIN`, `NXDOMAIN (search list)`, `TIMEOUT after 2 queries` */
function answer({ error, search, attempts = 1, ...event }: Dns): string {
  const addrs: readonly string[] = event.addrs ?? [];
  if (error !== undefined)
    return `${error}${attempts > 1 ? ` after ${attempts} queries` : ''}${search ? ' (search list)' : ''}`;
  if (addrs.length === 0) return '-';
  const more = addrs.length - mostAddresses;
  return `${addrs.slice(0, mostAddresses).join(',')}${more > 0 ? ` and ${more} more` : ''}`;
}
