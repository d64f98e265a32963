import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { live, same, watch } from './live.js';
import { until } from './wait.js';

/** Asserts an event without the call's error, because it is written while the call waits. */
const early = { errno: undefined as never, error: undefined as never };

/** An address without a route: these namespaces route only to loopback. */
const nowhere = ['192.0.2.1', '2001:db8::1'] as const;

for (const address of nowhere) {
  live(`no route to ${address}: ENETUNREACH, and no source`, async (net) => {
    const seen = await watch(net);
    const { attempts } = await net.client(['blocking', address, 80]);
    const other = await net.client(['nonblocking', address, 80]);
    assert.equal(attempts[0]?.error, 'ENETUNREACH');
    same(await seen.events(), [...attempts, ...other.attempts]);
  });

  for (const [route, error] of [
    ['unreachable', 'EHOSTUNREACH'],
    ['blackhole', 'EINVAL'],
    ['prohibit', 'EACCES'],
  ]) {
    live(`route ${route} to ${address}: ${error}`, async (net) => {
      net.run('ip', 'route', 'add', route as string, address);
      const seen = await watch(net);
      const { attempts } = await net.client(['blocking', address, 80]);
      assert.equal(attempts[0]?.error, error);
      same(await seen.events(), attempts);
    });
  }
}

live('bound, and no route: the source is reported', async (net) => {
  const seen = await watch(net);
  net.run('ip', 'addr', 'add', '10.1.1.1/32', 'dev', 'lo');
  const { attempts } = await net.client(['bound', '10.1.1.1', 4321, '192.0.2.1', 80]);
  assert.equal(attempts[0]?.error, 'ENETUNREACH');
  same(await seen.events(), attempts, [{ saddr: '10.1.1.1', sport: 4321 }]);
});

live('no local port left: EADDRNOTAVAIL, and no source port', async (net) => {
  net.blackhole(8080);
  net.sysctl('ipv4/tcp_syn_retries', '6'); // long enough for the test
  net.onlyPort(40000);
  const seen = await watch(net);
  const holder = net.start(['nonblocking', '127.0.0.1', 8080]);
  await until('its port is taken', () => net.run('ss', '-tnH', 'state', 'syn-sent').includes(':40000 '));
  const { attempts } = await net.client(['blocking', '127.0.0.1', 8080]);
  net.sysctl('ipv4/tcp_syn_retries', '1');
  const bound = await net.client(['bound', '127.0.0.2', 40000, '127.0.0.1', 8080]);
  const first = await holder.finish();
  assert.equal(attempts[0]?.error, 'EADDRNOTAVAIL');
  const events = await seen.events();
  same(events, [...first.attempts, ...attempts, ...bound.attempts], [{}, { saddr: '127.0.0.1' }, early]);
});

live('rejected on output by nftables', async (net) => {
  net.run('nft', 'add table inet t');
  net.run('nft', 'add chain inet t out { type filter hook output priority 0; }');
  net.run('nft', 'add rule inet t out tcp dport 8080 reject');
  net.onlyPort(40000);
  const seen = await watch(net);
  const { attempts } = await net.client(['blocking', '127.0.0.1', 8080]);
  assert.ok(attempts[0]?.errno);
  // the kernel fails the call only when the SYN is due again: connect() holds the socket when the answer arrives
  same(await seen.events(), attempts, [{ saddr: '127.0.0.1', sport: 40000, ...early }]);
});

describe('nobody answers', { concurrency: true }, () => {
  for (const address of ['127.0.0.1', '::1']) {
    live(`${address}: one event, before the call fails`, async (net) => {
      net.blackhole(8080);
      net.onlyPort(40000);
      const seen = await watch(net);
      const { attempts } = await net.client(['blocking', address, 8080]);
      assert.equal(attempts[0]?.error, 'ETIMEDOUT');
      same(await seen.events(), attempts, [{ saddr: address, sport: 40000, ...early }]);
    });
  }

  live('non-blocking: EALREADY, then the error from connect()', async (net) => {
    net.blackhole(8080);
    const seen = await watch(net);
    const { attempts, later } = await net.client(['polling', '127.0.0.1', 8080, '-']);
    assert.deepEqual([attempts[0]?.error, ...later], ['EINPROGRESS', 'EALREADY', 'ETIMEDOUT']);
    same(await seen.events(), attempts);
  });

  live('interrupted by a signal: one event without errno', async (net) => {
    net.blackhole(8080);
    const seen = await watch(net);
    const { attempts, later } = await net.client(['interrupted', '127.0.0.1', 8080]);
    assert.deepEqual([attempts[0]?.error, ...later], ['EINTR', 'ETIMEDOUT']);
    same(await seen.events(), attempts);
  });

  live('interrupted and restarted by the kernel: one event without errno', async (net) => {
    net.blackhole(8080);
    net.onlyPort(40000);
    const seen = await watch(net);
    const { attempts } = await net.client(['restarted', '127.0.0.1', 8080]);
    assert.equal(attempts[0]?.error, 'ETIMEDOUT');
    same(await seen.events(), attempts, [{ saddr: '127.0.0.1', sport: 40000, ...early }]);
  });

  live('killed during the call: one event without errno', async (net) => {
    net.blackhole(8080);
    const seen = await watch(net);
    const { attempts } = await net.client(['killed', '127.0.0.1', 8080]);
    same(await seen.events(), attempts, [{ ppid: attempts[0]?.ppid as number }]);
  });
});
