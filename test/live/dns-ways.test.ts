/** The paths that queries and answers take. */
import assert from 'node:assert/strict';
import type { Dns } from '../../dist/index.js';
import { flags, ip4, message, name, question, record } from '../support/dns.js';
import { ask, exchange, fresh, lookupFields, right, seeing, seen } from './answers.js';
import { Collector, lostIn } from './collect.js';
import { live } from './live.js';
import { Net } from './net.js';

const udp = (name: string, server: string) => ({ name, addrs: ['192.0.2.1'], ttl: 300, server, transport: 'udp' });

for (const connected of [true, false])
  live(`a resolver behind DNAT, on another port, like Docker's; connected: ${connected}`, async (net) => {
    net.run('nft', 'add table inet t');
    net.run('nft', 'add chain inet t out { type nat hook output priority -100; }');
    net.run('nft', 'add rule inet t out ip daddr 127.0.0.11 udp dport 53 dnat ip to 127.0.0.1:5353');
    net.run('nft', 'add rule inet t out ip6 daddr fd00::53 udp dport 53 dnat ip6 to [::1]:5353');
    net.run('ip', 'addr', 'add', 'fd00::53/128', 'dev', 'lo', 'nodad');
    const collector = await seeing(net);
    const reply = (id: number) => [right(id, 'host.test')];
    await exchange(net, [
      ask('host.test', reply, { to: '127.0.0.11', server: '127.0.0.1', port: 5353, connected }),
      ask('host.test', reply, { to: 'fd00::53', server: '::1', port: 5353, connected }),
    ]);
    const events = (await seen(net, collector)) as Dns[];
    assert.deepEqual(events.map(lookupFields), [udp('host.test', '127.0.0.11'), udp('host.test', 'fd00::53')]);
  });

live('the latency is from the query to the answer', async (net) => {
  const collector = await seeing(net);
  await exchange(net, [ask('slow.test', (id) => [right(id, 'slow.test')], { delay: 200 })]);
  const [event] = (await seen(net, collector)) as Dns[];
  assert.ok((event?.latency_us as number) > 190_000, `${event?.latency_us}`); // timers may fire early
});

live('a socket that asks again makes one event', async (net) => {
  const collector = await seeing(net);
  const one = ask('again.test', (id) => [right(id, 'again.test')]);
  await exchange(net, [one, one]);
  assert.equal((await seen(net, collector)).length, 2);
});

live('TCP: in pieces, several messages at once, not DNS at all', async (net) => {
  const ids = [fresh(), fresh(), fresh()];
  const framed = (bytes: Buffer) => Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
  const hosts = ['a.test', 'b.test', 'c.test'];
  const queries = hosts.map((host, i) => framed(message({ id: ids[i] as number, questions: [question(name(host))] })));
  const answers = hosts.map((host, i) => framed(right(ids[i] as number, host)));
  const hex = (parts: Buffer[]) => parts.map((part) => part.toString('hex'));
  const bytes = (part: Buffer) => hex([...part].map((byte) => Buffer.from([byte])));
  const all = [Buffer.concat(queries), Buffer.concat(answers)] as const;
  const large = (id: number) => {
    const addresses = Array.from({ length: 4000 }, (_, i) =>
      record({ type: 'A', data: ip4(`10.1.${i >> 8}.${i & 255}`) }),
    );
    return message({ id, flags: flags.answer, questions: [question(name('large.test'))], answers: addresses });
  };
  const id = fresh();
  const collector = await seeing(net);
  await exchange(net, [
    { tcp: true, query: hex([all[0]]), answers: hex([all[1]]) },
    { tcp: true, query: bytes(all[0]), answers: bytes(all[1]) },
    {
      tcp: true,
      query: hex([Buffer.from('GET / HTTP/1.0\r\n\r\n')]),
      answers: hex([Buffer.from('HTTP/1.0 200 OK\r\n\r\n')]),
    },
    { tcp: true, query: hex([Buffer.alloc(5)]), answers: hex([Buffer.alloc(100_000, 0xff)]) },
    {
      tcp: true,
      query: hex([framed(message({ id, questions: [question(name('large.test'))] }))]),
      answers: hex([framed(large(id))]),
    },
  ]);
  const events = ((await seen(net, collector)) as Dns[]).filter(({ type }) => type === 'dns').map(lookupFields);
  const each = hosts.map((host) => ({ ...udp(host, '127.0.0.1'), transport: 'tcp' }));
  assert.deepEqual(events.slice(0, 6), [...each, ...each]);
  assert.deepEqual([events.length, events[6]?.addrs?.length], [7, 4000]);
  assert.equal(lostIn((await collector.stop()).lines), 0);
});

live('traffic on port 53 that is not DNS makes no event', async (net) => {
  const collector = await seeing(net);
  const noise = [
    Buffer.alloc(0),
    Buffer.alloc(2, 0xff),
    Buffer.alloc(600, 0xff),
    Buffer.alloc(60_000, 0x41),
    Buffer.alloc(12),
  ];
  const hex = noise.map((bytes) => bytes.toString('hex'));
  await exchange(
    net,
    hex.flatMap((query) => [false, true].map((connected) => ({ query, answers: hex, connected }))),
  );
  assert.deepEqual(await seen(net, collector), []);
  assert.equal(lostIn((await collector.stop()).lines), 0);
});

live('--netns sees only that namespace; without it, each event has its own namespace', async (net) => {
  const other = new Net();
  try {
    const one = await seeing(net);
    const both = await Collector.start(['--dns', `--netns=${net.inode},${other.inode}`]);
    await exchange(other, [ask('there.test', (id) => [right(id, 'there.test')])]);
    await exchange(net, [ask('here.test', (id) => [right(id, 'here.test')])]);
    const names = (events: object[]) => (events as Dns[]).map(({ name, netns }) => [name, netns]);
    assert.deepEqual(names(await seen(net, one)), [['here.test', net.inode]]);
    const all = names(await seen(net, both)).filter(([name]) => !String(name).startsWith('mark'));
    assert.deepEqual(all, [
      ['there.test', other.inode],
      ['here.test', net.inode],
    ]);
  } finally {
    await other.remove();
  }
});
