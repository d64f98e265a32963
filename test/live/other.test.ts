import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Said } from './client.js';
import { cannot, eventOf, fields, live, same, watch } from './live.js';
import { until } from './wait.js';

for (const address of ['127.0.0.1', '::1']) {
  live(`TCP Fast Open by sendto(), ${address}`, async (net) => {
    net.sysctl('ipv4/tcp_fastopen', '3');
    await net.serve(8080);
    const seen = await watch(net);
    const first = await net.client(['fast-open', address, 8080]); // asks for a cookie
    const second = await net.client(['fast-open', address, 8080]); // has one
    const attempts = [...first.attempts, ...second.attempts];
    for (const { error } of attempts) assert.equal(error, undefined);
    same(await seen.events(), attempts);
  });
}

live('TCP Fast Open by sendto(), refused', async (net) => {
  net.sysctl('ipv4/tcp_fastopen', '3');
  net.onlyPort(40000);
  const seen = await watch(net);
  const { attempts } = await net.client(['fast-open', '127.0.0.1', 9]);
  assert.equal(attempts[0]?.error, 'ECONNREFUSED');
  // written when the SYN is prepared: the error arrives later
  const own = { saddr: '127.0.0.1', sport: 40000, errno: undefined as never, error: undefined as never };
  same(await seen.events(), attempts, [own]);
});

live('TCP Fast Open enabled before connect()', async (net) => {
  net.sysctl('ipv4/tcp_fastopen', '3');
  await net.serve(8080);
  const seen = await watch(net);
  const first = await net.client(['fast-open-connect', '127.0.0.1', 8080]);
  const second = await net.client(['fast-open-connect', '127.0.0.1', 8080]); // the SYN is sent by write()
  assert.deepEqual([...first.later, ...second.later], ['ok', 'ok']);
  same(await seen.events(), [...first.attempts, ...second.attempts]);
});

const able = (t: TestContext, { unavailable }: Said) => {
  if (unavailable) cannot(t, unavailable);
  return !unavailable;
};

for (const [kind, address, port] of [
  ['success', '127.0.0.1', 8080],
  ['success', '::1', 8080],
  ['refused', '127.0.0.1', 9],
] as const) {
  live(`MPTCP, ${kind}, ${address}`, async (net, t) => {
    await net.serve(8080);
    net.onlyPort(40000);
    const seen = await watch(net);
    const said = await net.client(['mptcp', address, port]);
    if (!able(t, said)) return;
    same(await seen.events(), said.attempts, [{ saddr: address, sport: 40000 }]);
  });

  for (const how of ['inline', 'async']) {
    live(`io_uring ${how}, ${kind}, ${address}`, async (net, t) => {
      await net.serve(8080);
      net.onlyPort(40000);
      const seen = await watch(net);
      const said = await net.client(['uring', how, address, port]);
      if (!able(t, said)) return;
      const events = await seen.events();
      const { tid, comm } = events[0] ?? {};
      const { pid } = said.attempts[0] as { pid: number };
      if (how === 'async') assert.deepEqual([tid !== pid, comm], [true, `iou-wrk-${pid}`]);
      const worker = how === 'async' ? { tid: tid as number, comm: comm as string } : {};
      const plain = { errno: undefined as never, error: undefined as never };
      same(events, said.attempts, [{ saddr: address, sport: 40000, ...plain, ...worker }]);
    });
  }
}

live('an MPTCP subflow that joins is an attempt of the kernel thread that makes it', async (net, t) => {
  try {
    net.run('ip', 'mptcp', 'limits', 'set', 'subflow', '1');
    net.run('ip', 'mptcp', 'endpoint', 'add', '127.0.0.9', 'dev', 'lo', 'subflow');
  } catch (error) {
    return cannot(t, (error as Error).message);
  }
  const seen = await watch(net);
  const client = net.start(['mptcp-held', '127.0.0.1', 8080]);
  await until('it has joined', () => net.run('ss', '-tnH').includes('127.0.0.9'));
  const said = await client.finish();
  if (!able(t, said)) return;
  const [first, ...joins] = await seen.events();
  assert.ok(first);
  same([first], said.attempts);
  // either side may join the other, or both at once
  assert.ok(joins.length === 1 || joins.length === 2, JSON.stringify(joins));
  for (const { via, saddr, daddr, dport, comm, id } of joins) {
    assert.deepEqual([via, saddr, daddr], ['mptcp', '127.0.0.9', '127.0.0.1']);
    assert.ok(dport === 8080 || dport === first.sport, String(dport));
    assert.match(comm, /^kworker/);
    assert.notEqual(id, first.id);
  }
});

live('denied by a cgroup program: EPERM', async (net, t) => {
  const seen = await watch(net);
  const first = await net.client(['denied', 'blocking', '127.0.0.1', 9]);
  if (!able(t, first)) return;
  const second = await net.client(['denied', 'nonblocking', '::1', 9]);
  const attempts = [...first.attempts, ...second.attempts];
  for (const { error } of attempts) assert.equal(error, 'EPERM');
  const events = await seen.events();
  assert.deepEqual(events.map(fields), attempts.map(eventOf)); // without the cgroup: each attempt has its own
  assert.equal(new Set(events.map(({ cgroup }) => cgroup)).size, 2);
});

live('denied with ENOTSOCK, the error for a file that is not a socket', async (net, t) => {
  const seen = await watch(net);
  const said = await net.client(['denied-enotsock', 'blocking', '127.0.0.1', 9]);
  if (!able(t, said)) return;
  assert.equal(said.attempts[0]?.error, 'ENOTSOCK');
  const events = await seen.events();
  assert.deepEqual(events.map(fields), said.attempts.map(eventOf));
});

// Some hypervisors do not pass on 32-bit system calls (int 0x80). The kernel matrix fails if its guests cannot make this one.
live("a 32-bit program's system call is reported", async (net, t) => {
  await net.serve(8080);
  const seen = await watch(net);
  const said = await net.client(['compat', '127.0.0.1', 8080]);
  if (said.unavailable) return t.skip(said.unavailable);
  same(await seen.events(), said.attempts);
});

// Such calls that fail before a SYN are tested in the kernel matrix: not every tier sees them (test/vm/CONFORMANCE.md).
