import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Collector } from './collect.js';
import { exists, held } from './held.js';
import { live } from './live.js';
import { until } from './wait.js';

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  live(`after ${signal} nothing is left in the kernel`, async () => {
    const collector = await Collector.start(['-u', 4_000_000_000, '--dns']);
    const pid = collector.child.pid as number;
    const programs = held('prog', pid);
    const maps = held('map', pid);
    const links = held('link', pid);
    assert.ok(programs.length >= 3, `programs: ${programs}`);
    assert.ok(maps.length >= 4, `maps: ${maps}`);
    assert.ok(links.length >= 5, `links: ${links}`);
    await collector.stop(signal);
    // the kernel frees them a little later
    await until('programs are gone', () => !programs.some((id) => exists('prog', id)));
    await until('maps are gone', () => !maps.some((id) => exists('map', id)));
    await until('links are gone', () => !links.some((id) => exists('link', id)));
  });
}

live('20 starts and stops in one process leave no descriptor and no mapping', async () => {
  const dist = fileURLToPath(new URL('../../dist/', import.meta.url));
  const script = `
    import { readdirSync, readFileSync, openSync } from 'node:fs';
    import { loadAddon, objectOf } from '${dist}collector/addon.js';
    import { dns } from '${dist}collector/dns.js';
    const addon = loadAddon();
    const fd = openSync('/dev/null', 'w');
    const once = () => new Promise((resolve) => {
      addon.start({ object: objectOf('tracepoint'), fd, uids: [4000000000], ...dns() }, resolve);
      addon.stop();
    });
    const count = () => {
      const maps = readFileSync('/proc/self/maps', 'utf8').split('\\n');
      return { fds: readdirSync('/proc/self/fd').length, bpf: maps.filter((line) => line.includes('bpf')).length };
    };
    // The thread that stopped a tracer may still hold its resources.
    const settled = async () => {
      for (let tries = 0; tries < 500 && count().bpf > 0; tries++) await new Promise((go) => setTimeout(go, 10));
      return count();
    };
    for (let i = 0; i < 3; i++) await once();
    const before = await settled();
    for (let i = 0; i < 20; i++) await once();
    console.log(JSON.stringify([before, await settled()]));`;
  const args = ['--input-type=module', '-e', script];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 110_000 });
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
  const [before, after] = JSON.parse(stdout);
  assert.ok(after.fds < before.fds + 20, stdout);
  assert.deepEqual([before.bpf, after.bpf], [0, 0]);
});
