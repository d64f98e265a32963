import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { mountPoint } from '../../transforms/enrich/cgroups.js';
import { connect, ndjson } from '../support/events.js';
import { seeing } from './answers.js';
import { bin, Collector, connects } from './collect.js';
import { onExit } from './folder.js';
import { cannot, live } from './live.js';
import { nameserver, resolving } from './nameserver.js';
import type { Net } from './net.js';

/** Runs enrich in a namespace; its resolver is the server there, and it has time for all look-ups. */
function enriched(net: Net, input: string, more: Record<string, string> = {}): Record<string, unknown>[] {
  const given = { with: 'names', resolver: '127.0.0.1', etc: '/nonexistent', wait: '30000', ...more };
  const args = ['--private', '--status', ...Object.entries(given).map(([name, value]) => `--${name}=${value}`)];
  const [file, ...before] = net.enter as [string, ...string[]];
  const { stdout, stderr, status } = spawnSync(file, [...before, `${bin}enrich`, ...args], { input, encoding: 'utf8' });
  assert.deepEqual({ stderr, status }, { stderr: '', status: 0 });
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

const attempts = (events: Record<string, unknown>[]) => events.filter(({ type }) => type === 'connect');

live(
  'curl: each attempt has the name that was asked for, a literal address the one of its reverse look-up',
  async (net) => {
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
  },
);

live(
  'without the names of the wire, as tcpconnect -d sees them: the reverse look-up names what it can',
  async (net) => {
    await nameserver(net);
    const events = ['127.0.0.2', '127.0.0.3', '127.0.0.4'].map((daddr) => connect({ daddr }));
    assert.deepEqual(
      attempts(enriched(net, ndjson(...events))).map(({ name }) => name),
      ['one.example.test', 'cdn-3.example.test', undefined],
    );
  },
);

live("a process's cgroup tells its container, as long as it is there", async (net, t) => {
  const mount = mountPoint();
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
  const [event] = connects((await collector.stop()).lines);
  assert.ok(event?.cgroup);
  const who = () => {
    const [{ container, runtime, unit } = {}] = attempts(enriched(net, ndjson(event), { with: 'container,unit' }));
    return { container, runtime, unit };
  };
  assert.deepEqual(who(), { container: id, runtime: 'docker', unit: undefined });
  remove();
  assert.deepEqual(who(), { container: undefined, runtime: undefined, unit: undefined });
});
