import type { Connect, Outcome, Pending } from '../../schemas/generated/events.js';
import { printable } from '../../schemas/pipe/messages/printable.js';
import { type Column, clock, milliseconds } from './cells.js';

/** An event of an attempt. */
export type Attempt = Connect | Outcome | Pending;

const ipv4Width = 15;
const ipv6Width = 39;

/**
 * Returns the columns of tcpconnect plus RESULT. An address that has a name is shown by its name. On a terminal too narrow for
 * two columns of IPv6 addresses, these columns start as wide as an IPv4 address.
 */
export function attempts(terminalWidth: number): Column<Attempt>[] {
  const columns: Column<Attempt>[] = [
    { title: 'TIME', width: 8, text: (event) => clock(start(event)) },
    { title: 'PID', width: 7, text: ({ pid = '-' }) => String(pid) },
    { title: 'COMM', width: 15, text: ({ comm = '-' }) => printable(comm) },
    { title: 'SADDR', width: ipv6Width, text: ({ saddr = '-', saddr_name = saddr }) => printable(saddr_name) },
    { title: 'SPORT', width: 5, text: ({ sport = '-' }) => String(sport) },
    { title: 'DADDR', width: ipv6Width, text: destination },
    { title: 'DPORT', width: 5, text: ({ dport }) => String(dport) },
    { title: 'RESULT', width: 0, text: result },
  ];
  if (terminalWidth < columns.reduce((sum, { width }) => sum + width + 1, 0)) {
    for (const column of columns) if (column.width === ipv6Width) column.width = ipv4Width;
  }
  return columns;
}

/** Returns the name of the remote address, with a "?" if it is a guess, or the address if no name is known. */
function destination({ daddr, name, name_ambiguous }: Attempt): string {
  return name === undefined ? daddr : printable(name) + (name_ambiguous ? '?' : '');
}

/** Returns the time of the call, as tcpconnect shows it. Outcomes of older versions lack it, so it is computed. */
function start(event: Attempt): string | number {
  if (event.type === 'connect') return event.ts;
  if (event.type === 'pending') return event.start;
  return event.start ?? Date.parse(event.ts) - event.latency_us / 1000;
}

/**
 * Formats the result: `established 0.312 ms`, `error EADDRNOTAVAIL 0.009 ms`, `pending 4.1 s`,
 * `refused 0.152 ms (port-unreachable from 192.0.2.1)`
 */
function result(event: Attempt): string {
  if (event.type === 'connect') return event.error ?? '';
  const { result, icmp, icmp_from, retransmits = 0, existing } = event;
  const why = event.type === 'outcome' && result === 'error' && event.error ? ` ${event.error}` : '';
  const took =
    event.type === 'outcome' ? `${milliseconds(event.latency_us)} ms` : `${(event.waited_us / 1e6).toFixed(1)} s`;
  const cause = icmp === undefined ? '' : ` (${icmp}${icmp_from === undefined ? '' : ` from ${icmp_from}`})`;
  const more = [
    ...(retransmits > 0 ? [`${retransmits} ${retransmits === 1 ? 'retransmit' : 'retransmits'}`] : []),
    ...(existing && event.type === 'pending' ? ['from before the start'] : []),
  ];
  return [`${result}${why} ${took}${cause}`, ...more].join(', ');
}
