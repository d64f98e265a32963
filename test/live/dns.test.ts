import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { collector, events } from 'synpipe';
import type { Dns } from '../../dist/index.js';
import { dnsIn, inOrder, lookupFields, seeing } from './answers.js';
import { bin, Collector, counted, ledger, lostIn, outcomes } from './collect.js';
import { live } from './live.js';
import { nameserver, resolving } from './nameserver.js';
import { dig, sorted, wanted } from './questions.js';
import { until } from './wait.js';

live('with a real server and dig, each answer with addresses is reported once', async (net) => {
  await nameserver(net);
  const collector = await seeing(net);
  dig(net);
  const { code, stderr, lines } = await collector.stop();
  assert.deepEqual({ code, stderr, lost: lostIn(lines) }, { code: 0, stderr: '', lost: 0 });
  const events = inOrder(dnsIn(lines));
  assert.deepEqual(events.map(lookupFields).map(sorted), wanted.map(sorted));
  for (const { netns, latency_us } of events) {
    assert.equal(netns, net.inode);
    assert.ok(Number.isInteger(latency_us));
  }
  const all = lines.map((line) => JSON.parse(line)).filter(({ seq }) => seq);
  assert.deepEqual(
    all.map(({ seq }) => seq),
    all.map((_, i) => i + 1),
  );
  assert.equal(counted(lines).out + counted(lines).updates, all.length);
  assert.deepEqual(counted(lines), ledger(lines, 'outcome'));
});

live('large answers in fragments', async (net) => {
  net.run('ip', 'link', 'set', 'lo', 'mtu', '1280');
  await nameserver(net);
  const collector = await seeing(net);
  for (const server of ['127.0.0.1', '::1'])
    net.run('dig', '+bufsize=4096', '+ignore', `@${server}`, 'big.example.test');
  const { lines } = await collector.stop();
  const events = dnsIn(lines).map(lookupFields);
  assert.deepEqual(
    events.map(({ addrs, server, transport }) => [addrs?.length, server, transport]),
    [
      [200, '127.0.0.1', 'udp'],
      [200, '::1', 'udp'],
    ],
  );
});

live('curl to a name with aliases and several addresses: the look-up is reported before the attempts', async (net) => {
  await nameserver(net);
  const collector = await seeing(net);
  resolving(net, 'sh', '-c', 'curl -s http://www.example.test:81/; true');
  const { lines } = await collector.stop();
  const events = dnsIn(lines);
  const addrs = (event: Dns) => event.addrs?.join();
  assert.deepEqual(new Set(events.map(addrs)), new Set(['127.0.0.3,127.0.0.4', '::1']));
  for (const { name } of events) assert.equal(name, 'www.example.test');
  const attempts = outcomes(lines);
  assert.deepEqual(attempts.map(({ daddr }) => daddr).sort(), ['127.0.0.3', '127.0.0.4', '::1']);
  for (const { daddr, seq } of attempts)
    assert.ok(
      events.some((event) => event.addrs?.includes(daddr) && (event.seq as number) < seq),
      `${daddr} ${seq}`,
    );
});

live('300 names one after the other: each look-up is reported before its attempt', async (net) => {
  await nameserver(net);
  const collector = await seeing(net);
  const urls = Array.from({ length: 300 }, (_, i) => `http://n${i}.many.example.test:${1000 + i}/`);
  resolving(net, 'sh', '-c', 'curl -s -4 "$@" ; true', 'sh', ...urls);
  const { lines } = await collector.stop();
  const named = new Set<string>();
  let attempts = 0;
  for (const event of lines.map((line) => JSON.parse(line))) {
    if (event.type === 'dns') named.add(event.name);
    if (event.type !== 'outcome') continue;
    attempts++;
    assert.ok(named.has(`n${event.dport - 1000}.many.example.test`), `seq ${event.seq}`);
  }
  assert.deepEqual([attempts, named.size], [300, 300]);
});

live('getent: the queries of the C library', async (net) => {
  await nameserver(net);
  const collector = await seeing(net);
  resolving(net, 'getent', 'ahosts', 'www.example.test');
  resolving(net, 'getent', 'ahosts', 'one.example.test');
  const { lines } = await collector.stop();
  const names = dnsIn(lines).map(({ name, addrs }) => `${name} ${addrs}`);
  assert.deepEqual(names.sort(), [
    'one.example.test 127.0.0.2',
    'www.example.test 127.0.0.3,127.0.0.4',
    'www.example.test ::1',
  ]);
});

live('-n does not count dns events; without --dns there are none', async (net) => {
  await nameserver(net);
  const counting = await seeing(net, '-n', '3');
  const without = await Collector.start(['--netns', net.inode]);
  for (let i = 0; i < 5; i++) net.run('dig', '@127.0.0.1', 'one.example.test');
  await until('the answers', () => dnsIn(counting.lines()).length === 5);
  for (let i = 0; i < 3; i++) net.run('dig', '+tcp', '@127.0.0.1', 'one.example.test');
  assert.equal((await counting.ended).code, 0);
  const lines = counting.lines();
  assert.equal(outcomes(lines).length, 3);
  assert.deepEqual(counted(lines), ledger(lines, 'outcome'));
  assert.equal(dnsIn((await without.stop()).lines).length, 0);
});

live('dns events in a program', async (net) => {
  await nameserver(net);
  const seen: string[] = [];
  for await (const event of events(collector({ dns: true, netns: String(net.inode), status: true }))) {
    if (event.type === 'status') net.run('dig', '@127.0.0.1', 'one.example.test');
    if (event.type !== 'dns') continue;
    seen.push(String(event.name));
    break;
  }
  assert.deepEqual(seen, ['one.example.test']);
});

live('with a command, the names that its attempts use', async (net) => {
  await nameserver(net);
  const command = [...net.enter, 'dig', '+tcp', '@127.0.0.1', 'one.example.test'];
  const { status, stdout } = spawnSync(`${bin}collector`, ['--dns', `--netns=${net.inode}`, '--', ...command], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  const lines = stdout.split('\n');
  assert.deepEqual(
    [status, outcomes(lines).length, dnsIn(lines).map(({ name }) => name)],
    [0, 1, ['one.example.test']],
  );
});
