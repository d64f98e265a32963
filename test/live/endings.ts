import { type Ending, port, type Script } from './lives.js';
import type { Net } from './net.js';

/** A `?` marks the step that may end the connection before the last one does. */
const scripts: [name: string, steps: string, how: string][] = [
  ['closed by this side', 'c>100 s>50 cX sX', 'local'],
  ['closed by the other side', 'c>100 s>50 sX cX', 'remote'],
  ['closed by this side, long before the other', 'c>1 cX wait sX', 'local'],
  ['closed without data', 'cX sX', 'local'],
  ['half-closed by this side, then more data', 'c>10 cH s>100000 sX? cX', 'local'],
  ['half-closed by the other side, then more data', 's>10 sH c>100000 cX? sX', 'remote'],
  ['a megabyte each way', 'c>1000000 s>1000000 cX sX', 'local'],
  ['reset by this side: linger 0', 'c>100 s>50 cR? sX', 'reset_sent'],
  ['reset by this side: unread data', 'c>100 s>50! cX? sX', 'reset_sent'],
  ['reset by the other side: linger 0', 'c>100 s>50 sR? cX', 'reset_received ECONNRESET'],
  ['reset by the other side: unread data', 's>50 c>100! sX? cX', 'reset_received ECONNRESET'],
  ['reset by the other side, and the application reads the error', 'c>100 sR? error cX', 'reset_received ECONNRESET'],
  ['reset after the other side has closed', 's>5 sX c>10? cX', 'remote EPIPE'],
  ['passed to another process, which closes it', 'c>100 hand-over c>11 s>50 cX sX', 'local'],
];

const killed: [name: string, steps: string, how: string][] = [
  ['killed', 'c>100 s>50 wait', 'local exiting'],
  ['killed with unread data', 'c>100 s>50! wait', 'reset_sent exiting'],
];

/** Drops all packets at this hook while the client continues until its connection has ended. */
const dropping = (hook: string): NonNullable<Script['meanwhile']> => {
  return async (client, net) => {
    await client.results(1);
    net.run('nft', 'add table inet cut');
    net.run('nft', `add chain inet cut off { type filter hook ${hook} priority 0; policy drop; }`);
    client.go();
    await client.results(2);
    net.run('nft', 'delete table inet cut');
  };
};

async function continued(client: Parameters<NonNullable<Script['meanwhile']>>[0]): Promise<void> {
  await client.results(1);
  client.go();
}

/** Ends it as an administrator. */
export const destroyed: Ending = {
  name: 'ended by an administrator: ss -K',
  steps: 'c>100 s>50 wait-end cX sX',
  how: 'killed ECONNABORTED',
  async meanwhile(client, net: Net) {
    await client.results(1);
    net.run('sh', '-c', `ss -K dport = ${port} 2>&1`);
    client.go();
  },
};

export const endings: Ending[] = [
  ...['::1', '::ffff:127.0.0.1'].map((address) => ({
    name: `closed by this side, ${address}`,
    steps: 'c>100 s>50 cX sX',
    how: 'local',
    address,
  })),
  ...scripts.map(([name, steps, how]) => ({
    name,
    steps,
    how,
    ...(steps.includes('wait') && { meanwhile: continued }),
  })),
  ...killed.map(
    ([name, steps, how]): Ending => ({
      ...{ name, steps, how, killed: true, more: { sent: 100, received: 50 } },
      async meanwhile(client) {
        await client.results(1);
        client.child.kill('SIGKILL');
        await client.finish().catch(() => {});
      },
    }),
  ),
  {
    name: 'no answer to keep-alive probes',
    steps: 'c>100 s>50 keep-alive wait error cX',
    how: 'timeout ETIMEDOUT',
    meanwhile: dropping('input'),
  },
  {
    name: 'no answer to data that is sent again',
    steps: 'c>100 s>50 time-out wait c>30? error cX',
    how: 'timeout ETIMEDOUT',
    meanwhile: dropping('input'),
  },
  {
    name: "packets that this host's own firewall drops are not counted as sent",
    steps: 'c>100 s>50 time-out wait c>30? error cX',
    how: 'timeout ETIMEDOUT',
    more: { sent: 100 },
    meanwhile: dropping('output'),
  },
  { name: 'MPTCP: local', command: 'mptcp-life', steps: 'c>100 s>50 cX sX', how: 'local' },
  { name: 'MPTCP: remote', command: 'mptcp-life', steps: 'c>100 s>50 sX cX', how: 'remote' },
];

/** Whether the running kernel can end a connection for `ss -K`, as far as its configuration is known. */
export const destroys = (net: Net): boolean =>
  net
    .run('sh', '-c', 'zcat /proc/config.gz 2>/dev/null || cat "/boot/config-$(uname -r)" 2>/dev/null || true')
    .includes('CONFIG_INET_DIAG_DESTROY=y');
