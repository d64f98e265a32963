import { constants } from 'node:os';
import type { AttemptEvent } from './attempt-events.js';
import type { Attempt } from './client.js';
import { addresses, type Family, families, route } from './link.js';
import type { Net } from './net.js';

type Words = [result: string, error: string, icmp?: string];

/** Why an attempt fails, and the expected result by IP version. */
interface Cause {
  /** What nft rejects it with. Otherwise the destination is one that nobody answers for. */
  reject?: string;
  to?: 'nobody' | 'beyond';
  name: string;
  4?: Words;
  6?: Words;
}

const rejects = (name: string, ...words: [Words?, Words?]): Cause => ({
  name,
  reject: `with icmp ${name}`,
  ...(words[0] && { 4: words[0] }),
  ...(words[1] && { 6: words[1] }),
});

/** The codes that nft can send. */
const causes: Cause[] = [
  rejects('port-unreachable', ['refused', 'ECONNREFUSED'], ['refused', 'ECONNREFUSED']),
  rejects('host-unreachable', ['unreachable', 'EHOSTUNREACH']),
  rejects('net-unreachable', ['unreachable', 'ENETUNREACH']),
  rejects('prot-unreachable', ['error', 'ENOPROTOOPT', 'protocol-unreachable']),
  rejects('net-prohibited', ['denied', 'ENETUNREACH']),
  rejects('host-prohibited', ['denied', 'EHOSTUNREACH']),
  rejects('admin-prohibited', ['denied', 'EHOSTUNREACH'], ['denied', 'EACCES']),
  rejects('no-route', undefined, ['unreachable', 'ENETUNREACH']),
  rejects('addr-unreachable', undefined, ['unreachable', 'EHOSTUNREACH']),
  rejects('policy-fail', undefined, ['denied', 'EACCES']),
  rejects('reject-route', undefined, ['denied', 'EACCES']),
  { name: 'tcp reset', reject: 'with tcp reset', 4: ['refused', 'ECONNREFUSED'], 6: ['refused', 'ECONNREFUSED'] },
];

const lookUps: Record<Family, Words> = {
  4: ['unreachable', 'EHOSTUNREACH', 'host-unreachable'],
  6: ['unreachable', 'EHOSTUNREACH', 'addr-unreachable'],
};

/** What to expect of one attempt. */
export interface Row {
  name: string;
  family: Family;
  /** The client's command. */
  command: [how: 'blocking' | 'nonblocking', address: string, port: number];
  result: string;
  error: string;
  icmp?: string;
  from?: string;
}

const modes = ['blocking', 'nonblocking'] as const;

/** Returns all rows, each with its own port, and sets up the firewall rules that they need at both ends of a link. */
export function prepare(net: Net, other: Net): Row[] {
  route(net, other);
  quicken(net, 'wire');
  quicken(other, 'far');
  other.sysctl('ipv4/icmp_ratemask', '0');
  other.sysctl('ipv4/icmp_ratelimit', '0');
  other.sysctl('ipv6/icmp/ratelimit', '0');
  const rows: Row[] = [];
  const rules: Record<string, string[]> = { output: [], input: [] };
  let port = 1000;
  const add = (name: string, family: Family, to: string, [result, error, icmp]: Words, from?: string) => {
    for (const how of modes) {
      const row = {
        name: `${name}, IPv${family}, ${how}`,
        family,
        command: [how, to, port] as Row['command'],
        result,
        error,
      };
      rows.push({ ...row, ...(icmp && from && { icmp, from }) });
    }
    port++;
  };
  for (const { name, reject, ...words } of causes)
    for (const family of families)
      for (const [hook, at, from] of [
        ['output', 'own firewall', addresses[family].own],
        ['input', "the neighbour's firewall", addresses[family].neighbour],
      ] as const) {
        if (!words[family]) continue;
        const [result, error, icmp] = words[family];
        const verdict = family === 6 ? reject?.replace('icmp ', 'icmpv6 ') : reject;
        const meta = family === 6 ? 'ipv6' : 'ipv4';
        rules[hook]?.push(`add rule inet t ${hook} meta nfproto ${meta} tcp dport ${port} reject ${verdict}`);
        const sent = name.startsWith('tcp') ? undefined : (icmp ?? name);
        add(
          `${name}, ${at}`,
          family,
          addresses[family].neighbour,
          [result, error, ...(sent ? [sent] : [])] as Words,
          from,
        );
      }
  for (const family of families) {
    const { own, neighbour, nobody, beyond } = addresses[family];
    add('nobody answers the neighbour look-up', family, nobody, lookUps[family], own);
    add("nobody answers a router's neighbour look-up", family, beyond, lookUps[family], neighbour);
  }
  for (const [at, hook] of [
    [net, 'output'],
    [other, 'input'],
  ] as const) {
    const chain = `add chain inet t ${hook} { type filter hook ${hook} priority 0; }`;
    at.run('nft', ['add table inet t', chain, ...(rules[hook] as string[])].join('\n'));
  }
  return rows;
}

/** Gives up on a neighbour after one try instead of three. */
function quicken(net: Net, device: string): void {
  for (const version of ['ipv4', 'ipv6']) net.sysctl(`${version}/neigh/${device}/mcast_solicit`, '1');
}

const numbers = constants.errno as Record<string, number>;

/**
 * Returns what is not as expected. `later`: what SO_ERROR returned if the call did not wait. `sees6`: the tier sees who
 * answers over IPv6.
 */
export function difference(
  row: Row,
  { error: at, ...attempt }: Attempt,
  later: string | undefined,
  events: AttemptEvent[],
  sees6: boolean,
): string[] {
  const { name, family, command, result, error, icmp, from } = row;
  const got = at === 'EINPROGRESS' ? later : at;
  const wrong: string[] = [];
  if (got !== error) wrong.push(`${name}: the application got ${got}, not ${error}`);
  const outcomes = events.filter(({ type }) => type === 'outcome').length;
  if (outcomes !== 1) return [...wrong, `${name}: ${outcomes} outcomes of pid ${attempt.pid}`];
  const cause = family === 4 || sees6 ? { icmp, icmp_from: from } : { icmp: undefined, icmp_from: undefined };
  const outcome = { result, error, errno: numbers[error], ...cause };
  for (const event of events) {
    if (event.type === 'connect') continue;
    // an error that arrives during connect() is known before the end; that of a neighbour look-up arrives later
    const known = (family === 4 || sees6) && command[1] === addresses[family].neighbour;
    const soft = known || event.icmp ? cause : {};
    const should = event.type === 'outcome' ? outcome : { result: 'pending', ...soft };
    for (const [key, value] of Object.entries(should)) {
      const is = (event as unknown as Record<string, unknown>)[key];
      if (is !== value) wrong.push(`${name}: ${event.type}: ${key} is ${is}, not ${value}`);
    }
  }
  return wrong;
}

/** Runs all rows at once. */
export async function drive<R extends Pick<Row, 'command'>>(net: Net, rows: R[]) {
  const all = rows.map((row) => ({ row, client: net.start(row.command) }));
  return Promise.all(
    all.map(async ({ row, client }) => ({ row, pid: client.child.pid as number, said: await client.finish() })),
  );
}
