import { printable } from '../messages/printable.js';

/** Returns which ICMP error rejected an attempt, and its sender: ` (192.0.2.1: port-unreachable)`; an empty text without one. */
export function rejectionText(icmp: string | undefined, from: string | undefined): string {
  if (icmp === undefined) return '';
  return printable(from === undefined ? ` (${icmp})` : ` (${from}: ${icmp})`);
}
