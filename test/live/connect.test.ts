import assert from 'node:assert/strict';
import { live, same, watch } from './live.js';

const refused = { errno: 111, error: 'ECONNREFUSED' };

for (const [name, address, change] of [
  ['IPv4', '127.0.0.1', {}],
  ['IPv6', '::1', {}],
  ['an IPv4-mapped address', '::ffff:127.0.0.1', { family: 4, v4mapped: true, daddr: '127.0.0.1' }],
  ['0.0.0.0, which is this host', '0.0.0.0', { daddr: '127.0.0.1' }],
  ['::, which is this host', '::', { daddr: '::1' }],
] as const) {
  const local = address.includes('.') ? '127.0.0.1' : '::1';

  live(`success, ${name}`, async (net) => {
    await net.serve(8080);
    const seen = await watch(net);
    const { attempts } = await net.client(['blocking', address, 8080]);
    assert.ok(attempts[0]?.sport && !attempts[0].error);
    same(await seen.events(), attempts, [{ saddr: local, ...change }]);
  });

  live(`refused, ${name}`, async (net) => {
    net.onlyPort(40000);
    const seen = await watch(net);
    const { attempts } = await net.client(['blocking', address, 9]);
    assert.equal(attempts[0]?.errno, 111);
    same(await seen.events(), attempts, [{ saddr: local, sport: 40000, ...change }]);
  });

  live(`non-blocking success, ${name}`, async (net) => {
    await net.serve(8080);
    const seen = await watch(net);
    const { attempts, later } = await net.client(['nonblocking', address, 8080]);
    assert.deepEqual([attempts[0]?.error, ...later], ['EINPROGRESS', 'ok']);
    same(await seen.events(), attempts, [{ saddr: local, ...change }]);
  });

  live(`non-blocking and refused later, ${name}`, async (net) => {
    net.onlyPort(40000);
    const seen = await watch(net);
    const { attempts, later } = await net.client(['nonblocking', address, 9]);
    assert.deepEqual([attempts[0]?.error, ...later], ['EINPROGRESS', 'ECONNREFUSED']);
    same(await seen.events(), attempts, [{ saddr: local, sport: 40000, ...change }]);
  });
}

live('an IPv6 address with zeros is written as inet_ntop writes it', async (net) => {
  net.onlyPort(40000);
  net.run('ip', 'addr', 'add', 'fd00:0:0:1::5/128', 'dev', 'lo', 'nodad');
  const seen = await watch(net);
  const { attempts } = await net.client(['blocking', 'fd00:0:0:1:0:0:0:5', 9]);
  same(await seen.events(), attempts, [{ daddr: 'fd00:0:0:1::5', saddr: 'fd00:0:0:1::5', sport: 40000, ...refused }]);
});

for (const [from, to] of [
  ['127.0.0.5', '127.0.0.1'],
  ['::1', '::1'],
] as const) {
  live(`bound to ${from}: success and refusal`, async (net) => {
    await net.serve(8080);
    const seen = await watch(net);
    const good = await net.client(['bound', from, 4567, to, 8080]);
    const bad = await net.client(['bound', from, 4568, to, 9]);
    const only = await net.client(['bound', from, 0, to, 9]);
    const events = await seen.events();
    same(
      events.slice(0, 2),
      [...good.attempts, ...bad.attempts],
      [
        { saddr: from, sport: 4567 },
        { saddr: from, sport: 4568, ...refused },
      ],
    );
    const { sport, ...third } = events[2] as (typeof events)[0];
    assert.ok(sport && sport >= 32768);
    same([third], only.attempts, [{ saddr: from, sport: undefined as never }]);
    assert.equal(events.length, 3);
  });
}

live('one socket makes two attempts if the first fails', async (net) => {
  await net.serve(8080);
  const seen = await watch(net);
  const { attempts } = await net.client(['twice', '127.0.0.1', 9, '127.0.0.1', 8080]);
  const events = await seen.events();
  assert.equal(events[0]?.saddr, '127.0.0.1');
  same(events, attempts, [{ ...refused, saddr: '127.0.0.1', sport: events[0]?.sport as number }, {}]);
});

live('one non-blocking socket makes two attempts if connect() returned the error of the first', async (net) => {
  net.onlyPort(40000);
  const seen = await watch(net);
  const { attempts, later } = await net.client(['twice-nonblocking', '127.0.0.1', 9, '127.0.0.2', 9]);
  assert.deepEqual(later, ['ECONNREFUSED']);
  const own = { saddr: '127.0.0.1', sport: 40000 };
  same(await seen.events(), attempts, [own, own]);
});

live('connect, AF_UNSPEC, connect: two attempts', async (net) => {
  await net.serve(8080);
  const seen = await watch(net);
  const { attempts, later } = await net.client(['disconnect', '127.0.0.1', 8080]);
  assert.deepEqual(later, ['EISCONN', 'ok']);
  assert.equal(attempts.length, 2);
  same(await seen.events(), attempts);
});

live('polling with connect() is one attempt', async (net) => {
  await net.serve(8080);
  net.onlyPort(40000);
  const seen = await watch(net);
  const bad = await net.client(['polling', '127.0.0.1', 9, '-']);
  net.onlyPort(40001);
  const good = await net.client(['polling', '127.0.0.1', 8080, 'i']);
  // over loopback the answer arrives at once, unless the kernel is busy
  const later = [...bad.later, ...good.later].filter((what) => what !== 'EALREADY');
  assert.deepEqual(later, ['ECONNREFUSED', 'ok', 'EISCONN']);
  same(await seen.events(), [...bad.attempts, ...good.attempts], [{ saddr: '127.0.0.1', sport: 40000 }, {}]);
});
