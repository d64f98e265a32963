import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe } from 'node:test';
import { connects, pendings } from './collect.js';
import { waiting } from './link.js';
import { cannot, live } from './live.js';
import type { Net } from './net.js';
import { during, endOf, ends, paired, type Seen, timed } from './outcomes.js';
import { until } from './wait.js';

const refused = 'refused ECONNREFUSED';
const timeout = 'timeout ETIMEDOUT';

for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) {
  live(`established and refused, blocking and not, ${address}`, async (net) => {
    await net.serve(8080);
    const commands = ['blocking', 'nonblocking'].flatMap((how) => [8080, 9].map((port) => [how, address, port]));
    await ends(net, commands, ['established', refused, 'established', refused]);
  });

  live(`one socket twice, ${address}`, async (net) => {
    await net.serve(8080);
    const other = address.replace('.1', '.2');
    const commands = [
      ['twice', address, 9, address, 8080],
      ['twice-nonblocking', address, 9, other, 9],
    ];
    await ends(net, commands, [refused, 'established', refused, refused]);
  });
}

live('connect, AF_UNSPEC, connect: two attempts, two outcomes', async (net) => {
  await net.serve(8080);
  await ends(net, [['disconnect', '127.0.0.1', 8080]], ['established', 'established']);
});

live('attempts without a route, or to a prohibited one, fail at once', async (net) => {
  net.run('ip', 'route', 'add', 'prohibit', '10.1.1.1');
  net.run('ip', 'route', 'add', 'unreachable', '10.1.1.2');
  const commands = ['192.0.2.1', '2001:db8::1', '10.1.1.1', '10.1.1.2'].flatMap((address) => [
    ['blocking', address, 80],
    ['nonblocking', address, 80],
  ]);
  const results = ['unreachable ENETUNREACH', 'unreachable ENETUNREACH', 'denied EACCES', 'unreachable EHOSTUNREACH'];
  const expected = results.flatMap((result) => [result, result]);
  await ends(net, commands, expected);
});

live('reset during a simultaneous open', async (net) => {
  net.blackhole(8080);
  await ends(net, [['reset', '127.0.0.1', 4001, '127.0.0.1', 8080]], ['reset ECONNRESET']);
});

live('TCP Fast Open', async (net) => {
  net.sysctl('ipv4/tcp_fastopen', '3');
  await net.serve(8080);
  const twice = (how: string) => [
    [how, '127.0.0.1', 8080], // asks for a cookie
    [how, '127.0.0.1', 8080], // has one
  ];
  await ends(net, [...twice('fast-open'), ['fast-open', '::1', 9]], ['established', 'established', refused]);
  await ends(net, twice('fast-open-connect'), ['established', 'established']);
});

for (const how of [['mptcp'], ['uring', 'inline'], ['uring', 'async']]) {
  live(`${how.join(' ')}: one attempt, one outcome`, async (net, t) => {
    await net.serve(8080);
    const commands = ['127.0.0.1', '::1'].flatMap((address) => [8080, 9].map((port) => [...how, address, port]));
    const { unavailable } = await ends(net, commands, ['established', refused, 'established', refused]);
    if (unavailable) cannot(t, unavailable);
  });
}

// one after the other: the end of a test ends all collectors but the shared one
describe('nobody answers', () => {
  for (const [how, address] of [
    ['blocking', '127.0.0.1'],
    ['nonblocking', '::1'],
    ['restarted', '127.0.0.1'],
  ] as const)
    live(`${how}: timeout, no earlier than the last SYN allows`, async (net) => {
      net.blackhole(8080);
      let resent = 0;
      const counting = (watch: () => Promise<Seen>) =>
        timed(async () => {
          const before = synsResent(net);
          const seen = await watch();
          resent = synsResent(net) - before;
          return seen;
        });
      const { lines, events } = await ends(net, [[how, address, 8080]], [timeout], counting);
      assert.ok((events[0]?.latency_us as number) >= 1_000_000, JSON.stringify(events));
      assert.ok(resent > 0);
      assert.equal(events[0]?.retransmits, resent);
      const [waiting, ...more] = pendings(lines);
      assert.ok(waiting && waiting.waited_us >= 1_000_000 && more.length === 0, JSON.stringify([waiting, ...more]));
    });

  live('ICMP host unreachable is reported with its sender', async (net) => {
    net.blackhole(8080);
    net.run('nft', 'add rule inet t in tcp dport 8081 reject with icmpx host-unreachable');
    const { events } = await ends(net, [['blocking', '127.0.0.1', 8081]], ['unreachable EHOSTUNREACH']);
    const [{ icmp, icmp_from } = {}] = events;
    assert.deepEqual([icmp, icmp_from], ['host-unreachable', '127.0.0.1']);
  });

  live('closed by the application, or when its process exits: aborted', async (net) => {
    net.blackhole(8080);
    const commands = ['127.0.0.1', '::1'].flatMap((address) => [
      ['closing', address, 8080],
      ['processes', 3, address, 8080],
      ['killed', address, 8080],
    ]);
    await ends(net, commands, Array(10).fill('aborted'));
  });

  for (const how of ['blocking', 'nonblocking'])
    live(`${how}, killed by SIGKILL in SYN_SENT: aborted`, async (net) => {
      net.blackhole(8080);
      net.sysctl('ipv4/tcp_syn_retries', '6');
      const { lines, events } = await during(net, 'both', () => killedWhileSynSent(net, how));
      paired(lines);
      assert.deepEqual(events.map(endOf), ['aborted']);
    });

  for (const report of ['both', 'outcome'] as const)
    live(`--report ${report}, stopped during attempts: they are pending`, async (net) => {
      net.blackhole(8080);
      net.sysctl('ipv4/tcp_syn_retries', '6');
      const { lines, events, end } = await during(net, report, async () => {
        await net.client(['blocking', '127.0.0.1', 9]);
        await synSent(net, ['blocking', 'nonblocking', 'nonblocking']);
      });
      assert.deepEqual(events.map(endOf), [refused]);
      assert.equal(connects(lines).length, report === 'both' ? 4 : 0);
      assert.deepEqual([end.in, end.out, end.lost, end.pending], [4, 1, 0, 3]);
      const open = new Set(pendings(lines).map(({ id }) => id));
      assert.deepEqual([open.size, open.has(events[0]?.id as string)], [3, false]);
      for (const { sport, waited_us, existing } of pendings(lines))
        assert.ok(sport && waited_us > 0 && !existing, JSON.stringify(pendings(lines)));
    });
});

const synsResent = (net: Net) =>
  Number(/TCPSynRetrans +(\d+)/.exec(net.run('nstat', '-asz', 'TcpExtTCPSynRetrans'))?.[1]);

async function synSent(net: Net, how: string[]) {
  const clients = how.map((command) => net.start([command, '127.0.0.1', 8080]));
  await until('SYN_SENT', () => waiting(net).size === how.length);
  return clients;
}

async function killedWhileSynSent(net: Net, how: string): Promise<void> {
  for (const { child } of await synSent(net, [how])) {
    child.kill('SIGKILL');
    await once(child, 'close');
  }
}
