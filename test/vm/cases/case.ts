import { execFileSync } from 'node:child_process';
import type { Tier } from '../../../dist/collector/addon.js';
import type { Attempt } from '../../live/client.js';
import type { Command, Place, Ran } from '../place.js';

/** Fields that differ from what the client knows. undefined: absent; 0: any number. */
export type Change = { [key in keyof Attempt]?: Attempt[key] | undefined };
export interface Case {
  name: string;
  run: Command[] | ((net: Place, narrow: Place, held: Place) => Promise<Ran>);
  /** How each attempt ends: the result, or either of two (`established/aborted`), and the error, if any. */
  ends: string[];
  change?: Change[];
  /** The ICMP error that rejected each attempt, and its sender, if that is not the destination. */
  icmp?: string[];
  /** What a tier is documented not to see. */
  less?: { [tier in Tier]?: 'not seen' | 'no errno' | 'no icmp' };
  /** Attempts that waited before the collectors started. */
  existing?: true;
  /** Waits for time to pass: all of these run at once. */
  slow?: true;
}

export const refused = 'refused ECONNREFUSED';
/** The call did not return an error, or none that the event may have. */
export const quiet: Change = { errno: undefined, error: undefined };
export const timeout = 'timeout ETIMEDOUT';
export const nowhere = 'unreachable ENETUNREACH';
/** Ports: served; closed; dropped by nftables; rejected by it, each with another ICMP error. */
export const [open, closed, black] = [8080, 9, 8081];
export const rejected = { host: 8082, port: 8083, admin: 8084, reset: 8085 };
/** Addresses on a link whose neighbours do not answer. */
export const silent = {
  own: ['10.9.9.1', 'fd09::1'],
  other: ['10.9.9.2', 'fd09::2'],
} as const;

export const setUp = async (net: Place, narrow: Place, held: Place): Promise<void> => {
  if (process.env.SYNPIPE_VM_GUEST) execFileSync('busybox', ['modprobe', 'nvme-tcp']);
  narrow.blackhole(black);
  narrow.onlyPort(40000);
  await net.serve(open);
  net.blackhole(black);
  for (const [port, how] of [
    [rejected.host, 'icmpx host-unreachable'],
    [rejected.port, 'icmpx port-unreachable'],
    [rejected.admin, 'icmpx admin-prohibited'],
    [rejected.reset, 'tcp reset'],
  ])
    net.run('nft', `add rule inet t in tcp dport ${port} reject with ${how}`);
  held.run('ip', 'link', 'add', 'here', 'type', 'veth', 'peer', 'name', 'there');
  for (const link of ['here', 'there']) held.run('ip', 'link', 'set', link, 'up');
  held.run('ip', 'addr', 'add', `${silent.own[0]}/24`, 'dev', 'here');
  held.run('ip', 'addr', 'add', `${silent.own[1]}/64`, 'dev', 'here', 'nodad');
  held.blackhole(black);
  held.sysctl('ipv4/tcp_syn_retries', '20'); // long enough for the test
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
