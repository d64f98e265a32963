import type { Connect, Outcome } from '../../schemas/generated/events.js';
import { printable } from '../../schemas/pipe/errors.js';
import { type Column, clock, milliseconds } from './cells.js';

const ipv4Width = 15;
const ipv6Width = 39;

/**
 * The columns of tcpconnect, and the error; an address that has a name is shown by that. Where a terminal is too narrow
 * for two columns of IPv6 addresses, these begin as wide as IPv4 ones.
 */
export function attempts(places: number): Column<Connect | Outcome>[] {
  const columns: Column<Connect | Outcome>[] = [
    { title: 'TIME', width: 8, text: ({ ts }) => clock(ts) },
    { title: 'PID', width: 7, text: ({ pid = '-' }) => String(pid) },
    { title: 'COMM', width: 15, text: ({ comm = '-' }) => printable(comm) },
    { title: 'SADDR', width: ipv6Width, text: ({ saddr = '-', saddr_name = saddr }) => printable(saddr_name) },
    { title: 'SPORT', width: 5, text: ({ sport = '-' }) => String(sport) },
    { title: 'DADDR', width: ipv6Width, text: ({ daddr, name = daddr }) => printable(name) },
    { title: 'DPORT', width: 5, text: ({ dport }) => String(dport) },
    { title: 'RESULT', width: 0, text: (event) => (event.type === 'outcome' ? ending(event) : (event.error ?? '')) },
  ];
  if (places < columns.reduce((sum, { width }) => sum + width + 1, 0)) {
    for (const column of columns) if (column.width === ipv6Width) column.width = ipv4Width;
  }
  return columns;
}

/** `established 0.312 ms`, `refused 0.041 ms`, `error EADDRNOTAVAIL 0.009 ms` */
function ending({ result, error, latency_us }: Outcome): string {
  const why = result === 'error' && error ? ` ${error}` : '';
  return `${result}${why} ${milliseconds(latency_us)} ms`;
}
