import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { cgroup2 } from '../../schemas/pipe/io/machine.js';
import { connect, ndjson } from '../support/events.js';
import { seeing } from './answers.js';
import { Collector, outcomes } from './collect.js';
import { attempts, enriched } from './enriched.js';
import { onExit } from './folder.js';
import { cannot, live } from './live.js';
import { nameserver, resolving } from './nameserver.js';

live('curl: each attempt has the name that was asked for; a literal address has its reverse look-up', async (net) => {
  await nameserver(net);
  const collector = await seeing(net);
  resolving(
    net,
    'sh',
    '-c',
    'curl -s http://www.example.test:81/; curl -s http://127.0.0.2:82/; curl -s http://127.0.0.9:83/; true',
  );
  const { lines } = await collector.stop();
  const events = attempts(enriched(net, `${lines.join('\n')}\n`));
  const asked = events.filter(({ dport }) => dport === 81);
  assert.deepEqual(asked.map(({ daddr }) => daddr).sort(), ['127.0.0.3', '127.0.0.4', '::1']);
  for (const { name, name_source, name_age_ms, dns_latency_us } of asked) {
    assert.deepEqual({ name, name_source }, { name: 'www.example.test', name_source: 'dns' });
    assert.ok(Number.isInteger(name_age_ms) && Number.isInteger(dns_latency_us));
  }
  const named = (port: number) =>
    events.filter(({ dport }) => dport === port).map(({ name, name_source }) => [name, name_source]);
  assert.deepEqual(named(82), [['one.example.test', 'ptr']]);
  assert.deepEqual(named(83), [[undefined, undefined]]);
});

live(
  'several A and AAAA records and an alias: the attempts of happy eyeballs share the name, at once and after IPv6 failed',
  async (net) => {
    await nameserver(net);
    for (const address of ['fd00::6', 'fd00::7'])
      net.run('ip', 'address', 'add', `${address}/128`, 'dev', 'lo', 'nodad');
    await net.serve(84, '127.0.0.6');
    net.run('nft', 'add table inet t');
    net.run('nft', 'add chain inet t in { type filter hook input priority 0; }');
    net.run('nft', 'add rule inet t in meta nfproto ipv6 tcp dport 84 drop');
    const collector = await seeing(net);
    const curl = 'curl -s --happy-eyeballs-timeout-ms 20 -m 20';
    resolving(net, 'sh', '-c', `${curl} http://both.example.test:81/; ${curl} http://both.example.test:84/; true`);
    const { lines } = await collector.stop();
    const events = attempts(enriched(net, `${lines.join('\n')}\n`));
    const to = (port: number) => events.filter(({ dport }) => dport === port);
    assert.deepEqual(
      to(81)
        .map(({ daddr }) => daddr)
        .sort(),
      ['127.0.0.6', '127.0.0.7', 'fd00::6', 'fd00::7'],
    );
    assert.deepEqual(new Set(to(84).map(({ family }) => family)), new Set([6, 4]));
    for (const { name, name_source } of [...to(81), ...to(84)])
      assert.deepEqual({ name, name_source }, { name: 'both.example.test', name_source: 'dns' });
  },
);

live('without observed DNS answers, as tcpconnect -d sees them: reverse look-ups name what they can', async (net) => {
  await nameserver(net);
  const events = ['127.0.0.2', '127.0.0.3', '127.0.0.4'].map((daddr) => connect({ daddr }));
  assert.deepEqual(
    attempts(enriched(net, ndjson(...events))).map(({ name }) => name),
    ['one.example.test', 'cdn-3.example.test', undefined],
  );
});

live("on a host with cgroup v1, a process's container is taken from its v1 cgroup", async (net, t) => {
  const systemd = '/sys/fs/cgroup/systemd';
  if (!existsSync(join(systemd, 'cgroup.procs'))) return cannot(t, 'no cgroup v1 name=systemd');
  const id = '4f1c0a9d3b5e7f61'.repeat(4);
  const top = join(systemd, `synpipe-live-${process.pid}`);
  const folders = [join(top, 'docker', id), join(top, 'docker'), top];
  onExit(() => {
    for (const folder of folders) if (existsSync(folder)) rmdirSync(folder);
  });
  mkdirSync(folders[0] as string, { recursive: true });
  const collector = await Collector.start([`--netns=${net.inode}`]);
  const script = `echo $$ > ${folders[0]}/cgroup.procs; exec 3<>/dev/tcp/127.0.0.1/81; echo done; read`;
  const child = net.spawn(['bash', '-c', script], ['pipe', 'pipe', 'ignore']);
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  const [event] = outcomes((await collector.stop()).lines);
  assert.equal(event?.pid, child.pid, 'the connecting process still runs');
  const container = () => attempts(enriched(net, ndjson(event), { with: 'container' }))[0]?.container;
  assert.equal(container(), id);
  child.stdin?.end('\n');
  await once(child, 'close');
  assert.equal(container(), undefined);
});

live("a process's cgroup gives its container, while the cgroup exists", async (net, t) => {
  const mount = cgroup2();
  if (!mount) return cannot(t, 'no cgroup v2');
  const id = '4f1c0a9d3b5e7f60'.repeat(4);
  const top = join(mount, `synpipe-${process.pid}`);
  const cgroup = join(top, 'docker', id);
  const folders = [cgroup, join(top, 'docker'), top];
  const remove = () => {
    for (const folder of folders) if (existsSync(folder)) rmdirSync(folder);
  };
  onExit(remove);
  mkdirSync(cgroup, { recursive: true });
  const collector = await Collector.start([`--netns=${net.inode}`]);
  net.run('sh', '-c', `echo $$ > ${cgroup}/cgroup.procs; curl -s http://127.0.0.1:81/; true`);
  const [event] = outcomes((await collector.stop()).lines);
  assert.ok(event?.cgroup);
  const who = () => {
    const [{ container, runtime, unit } = {}] = attempts(enriched(net, ndjson(event), { with: 'container,unit' }));
    return { container, runtime, unit };
  };
  assert.deepEqual(who(), { container: id, runtime: 'docker', unit: undefined });
  remove();
  assert.deepEqual(who(), { container: undefined, runtime: undefined, unit: undefined });
});
