import type { AttemptEvent } from './attempt-events.js';
import { addresses, families, route } from './link.js';
import { port as lifePort, type Script } from './lives.js';
import type { Net } from './net.js';

/** Where a firewall acts: on this machine, or on the other one. */
type Hook = 'output' | 'postrouting' | 'input' | 'the other side, input' | 'the other side, forward';

/** An attempt whose packets are dropped, and what its outcome must say. */
export interface Row {
  name: string;
  command: [how: 'blocking', address: string, port: number];
  result: string;
  /** `drop_reason` and `drop_at`; left out if this machine dropped nothing, or cannot know whose packet it was. */
  drop?: [reason: string, at: string];
}

/** The table of the firewalls on both machines. */
const table = (net: Net, rules: readonly [hook: string, rule: string][]) =>
  net.run(
    'nft',
    [
      'add table inet t',
      ...new Set(rules.map(([hook]) => `add chain inet t ${hook} { type filter hook ${hook} priority 0; }`)),
      ...rules.map(([hook, rule]) => `add rule inet t ${hook} ${rule}`),
    ].join('\n'),
  );

const verdicts: [hook: Hook, verdict: string, result: string][] = [
  ['output', 'drop', 'timeout'],
  ['postrouting', 'drop', 'timeout'],
  ['input', 'drop', 'timeout'],
  ['output', 'reject', 'refused'],
  ['output', 'reject with tcp reset', 'refused'],
  ['the other side, input', 'drop', 'timeout'],
  ['the other side, input', 'reject with tcp reset', 'refused'],
  ['the other side, forward', 'drop', 'timeout'],
];

/** Returns all rows, each with its own port, and sets up the firewalls at both ends of a link. */
export async function prepare(net: Net, other: Net): Promise<Row[]> {
  route(net, other);
  for (const at of [net, other]) at.sysctl('ipv4/tcp_syn_retries', '1');
  const rows: Row[] = [];
  const rules: [hook: string, rule: string][] = [];
  const others: [hook: string, rule: string][] = [];
  let port = 1000;
  for (const [hook, verdict, result] of verdicts)
    for (const family of families) {
      const remote = hook.startsWith('the other');
      const { neighbour, beyond } = addresses[family];
      const to = hook.endsWith('forward') ? beyond : neighbour;
      const end = hook === 'input' ? 'sport' : 'dport';
      const version = `meta nfproto ${family === 6 ? 'ipv6' : 'ipv4'}`;
      (remote ? others : rules).push([hook.replace(/.* /, ''), `${version} tcp ${end} ${port} ${verdict}`]);
      if (hook === 'input') await other.serve(port);
      rows.push({
        name: `${verdict}, ${hook}, IPv${family}`,
        command: ['blocking', to, port++],
        result,
        ...(!remote && { drop: ['NETFILTER_DROP', hook.toUpperCase()] }),
      });
    }
  table(net, rules);
  table(other, others);
  rows.push(await detour(net, other, port));
  return rows;
}

/** Lets the answer come back another way than this machine would send to, so that its reverse-path filter drops it. */
async function detour(net: Net, other: Net, port: number): Promise<Row> {
  const [here, there, mac] = ['10.96.0.1', '10.96.0.2', '02:00:00:00:00:07'];
  net.run('ip', 'link', 'add', 'side', 'address', mac, 'type', 'veth', 'peer', 'name', 'side', 'netns', other.name);
  for (const at of [net, other]) at.run('ip', 'link', 'set', 'side', 'up');
  net.run('ip', 'address', 'add', `${here}/32`, 'dev', 'lo');
  other.run('ip', 'address', 'add', `${there}/32`, 'dev', 'lo');
  net.run('ip', 'route', 'add', there, 'via', addresses[4].neighbour, 'src', here);
  other.run('ip', 'route', 'add', here, 'dev', 'side');
  other.run('ip', 'neigh', 'replace', here, 'lladdr', mac, 'dev', 'side', 'nud', 'permanent');
  net.sysctl('ipv4/conf/side/rp_filter', '1');
  await other.serve(port);
  const at = 'ip_rcv_finish_core';
  return {
    name: 'reverse-path filter',
    command: ['blocking', there, port],
    result: 'timeout',
    drop: ['IP_RPFILTER', at],
  };
}

/** Returns what is not as expected in the events about an attempt. */
export function difference({ name, result, drop }: Row, events: readonly AttemptEvent[]): string[] {
  const wrong: string[] = [];
  const outcome = events.find(({ type }) => type === 'outcome') as unknown as Record<string, unknown> | undefined;
  if (outcome?.result !== result) return [`${name}: ${outcome?.result}, not ${result}`];
  const [reason, at] = drop ?? [];
  if (outcome.drop_reason !== reason || outcome.drop_at !== at)
    wrong.push(`${name}: ${outcome.drop_reason} at ${outcome.drop_at}, not ${reason} at ${at}`);
  // An answer that is dropped is sent again: how often is up to the other side.
  const sent = Number(outcome.retransmits ?? 0) + 1;
  const counted = Number(outcome.drop_count ?? 0);
  if (drop && (at === 'OUTPUT' || at === 'POSTROUTING' ? counted !== sent : counted < 1))
    wrong.push(`${name}: ${counted} dropped of ${sent} sent`);
  if (!drop && counted !== 0) wrong.push(`${name}: ${counted} dropped`);
  for (const event of events as unknown as Record<string, unknown>[])
    if (event.type === 'pending' && event.drop_reason !== reason)
      wrong.push(`${name}: pending has ${event.drop_reason}, not ${reason}`);
  return wrong;
}

const cut = (how: (net: Net) => void): NonNullable<Script['meanwhile']> => {
  return async (client, net) => {
    await client.results(1);
    how(net);
    client.go();
    await client.results(2);
  };
};

/** Connections whose packets are dropped once they are open. */
export const open: (Script & { name: string; drop: [reason: string, at: string] })[] = [
  {
    name: 'no route after the handshake',
    steps: 'c>100 s>50 time-out wait c>30? error cX',
    meanwhile: cut((net) => net.run('ip', 'route', 'flush', 'table', 'local')),
    drop: ['IP_OUTNOROUTES', '__ip_queue_xmit'],
  },
  {
    name: 'a firewall after the handshake',
    steps: 'c>100 s>50 time-out wait c>30? error cX',
    meanwhile: cut((net) => {
      net.run('nft', 'add table inet cut');
      net.run('nft', 'add chain inet cut off { type filter hook output priority 0; }');
      net.run('nft', `add rule inet cut off tcp dport ${lifePort} drop`);
    }),
    drop: ['NETFILTER_DROP', 'OUTPUT'],
  },
];
