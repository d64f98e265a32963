import { execFileSync } from 'node:child_process';
import type { Tier } from '../../../dist/collector/addon.js';
import type { Attempt } from '../../live/client.js';
import type { Command, Place, Ran } from '../place.js';

/** What is told otherwise than the client knows it; undefined: not at all. 0: any number. */
export type Change = { [key in keyof Attempt]?: Attempt[key] | undefined };
export interface Case {
  name: string;
  run: Command[] | ((net: Place, narrow: Place) => Promise<Ran>);
  /** How each attempt ends: the result, or either of two (`established/aborted`), and the error if any. */
  ends: string[];
  change?: Change[];
  /** Where the connects of a tier are documented to tell less. */
  less?: { [tier in Tier]?: 'not seen' | 'no errno' };
  /** It waits for time to pass: all of these run at once. */
  slow?: true;
}

export const refused = 'refused ECONNREFUSED';
/** The call did not return an error, or none that the event may have. */
export const quiet: Change = { errno: undefined, error: undefined };
export const timeout = 'timeout ETIMEDOUT';
export const nowhere = 'unreachable ENETUNREACH';
/** Served; closed; dropped by nftables; rejected by it. */
export const [open, closed, black, rejected] = [8080, 9, 8081, 8082];

export const setUp = async (net: Place, narrow: Place): Promise<void> => {
  if (process.env.SYNPIPE_VM_GUEST) execFileSync('busybox', ['modprobe', 'nvme-tcp']);
  narrow.blackhole(black);
  narrow.onlyPort(40000);
  await net.serve(open);
  net.blackhole(black);
  net.run('nft', `add rule inet t in tcp dport ${rejected} reject with icmpx host-unreachable`);
  net.sysctl('ipv4/tcp_fastopen', '3');
  for (const [kind, last] of [
    ['unreachable', 1],
    ['blackhole', 2],
    ['prohibit', 3],
  ] as const) {
    net.run('ip', 'route', 'add', kind, `10.1.1.${last}`);
    net.run('ip', 'route', 'add', kind, `2001:db8:1::${last}`);
  }
};
