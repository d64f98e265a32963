import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { bin, Collector, connects, counted, outcomes } from './collect.js';
import { fresh, onExit } from './folder.js';
import { exists, held } from './held.js';
import { live } from './live.js';
import { mounted, needed, nobody, only, privileged } from './rights.js';
import { until } from './wait.js';

for (const tier of [[], ['--tier', 'tracepoint']])
  live(`once it runs, no thread has any capability left: ${tier.join(' ') || 'the best tier'}`, async (net) => {
    const collector = await Collector.start([...tier, '--netns', net.inode]);
    const pid = collector.child.pid as number;
    await until('all capabilities are given up', () => privileged(pid).length === 0, 10).catch(() =>
      assert.deepEqual(privileged(pid), []),
    );
    await net.client(['quiet', 10, '127.0.0.1', 9]);
    const { code, stderr, lines } = await collector.stop();
    assert.deepEqual({ code, stderr, events: outcomes(lines).length }, { code: 0, stderr: '', events: 10 });
  });

live('nobody with only the capabilities that it needs: works, drops them, leaves nothing behind', async (net) => {
  const [out, err] = [fresh('events.ndjson'), fresh('stderr')];
  const [to, errors] = [openSync(out, 'w'), openSync(err, 'w')];
  const options = ['--status', '--report', 'both', '--tier', 'tracepoint', '--netns', String(net.inode)];
  const child = spawn('setpriv', [...only(needed()), `${bin}collector`, ...options], { stdio: ['ignore', to, errors] });
  for (const fd of [to, errors]) closeSync(fd);
  onExit(() => child.kill('SIGKILL'));
  const exit = once(child, 'exit');
  const lines = () => readFileSync(out, 'utf8').split('\n').slice(0, -1);
  const said = () => readFileSync(err, 'utf8');
  await until('the collector starts', () => {
    assert.equal(child.exitCode, null, said());
    return lines().length > 0;
  });
  const pid = child.pid as number;
  const user = readFileSync(`/proc/${pid}/status`, 'utf8')
    .match(/^Uid:\t(\d+)\t(\d+)/m)
    ?.slice(1);
  assert.deepEqual(user, [String(nobody), String(nobody)]);
  await until('all capabilities are given up', () => privileged(pid).length === 0);
  const kinds = ['prog', 'map', 'link'] as const;
  const ids = kinds.flatMap((kind) => held(kind, pid).map((id) => [kind, id] as const));
  await net.client(['quiet', 50, '127.0.0.1', 9]);
  child.kill('SIGTERM');
  assert.deepEqual(await exit, [0, null]);
  assert.equal(said(), '');
  assert.deepEqual(counted(lines()), { in: 50, out: 50, lost: 0, pending: 0, updates: 50, lost_updates: 0 });
  assert.deepEqual([connects(lines()).length, outcomes(lines()).length], [50, 50]);
  assert.ok(ids.length > 5, `${ids}`);
  for (const [kind, id] of ids) await until(`${kind} ${id} is gone`, () => !exists(kind, id));
});

/** What the collector reports to nobody with these capabilities. */
function refusal(capabilities: string[]): string {
  const args = [...only(capabilities), `${bin}collector`, '--tier', 'tracepoint'];
  const { status, stdout, stderr } = spawnSync('setpriv', args, { encoding: 'utf8', timeout: 60_000 });
  assert.deepEqual({ status, stdout }, { status: 1, stdout: '' }, stderr);
  assert.match(stderr, /^collector: [^\n]+\n$/);
  return stderr.match(/(?:run as root or grant|lacks) ([a-z_,]+)/)?.[1] ?? stderr;
}

for (const [without, capability] of [
  ['bpf', 'cap_bpf'],
  ['perfmon', 'cap_perfmon'],
  ['sys_admin', 'cap_sys_admin'],
  ['dac_read_search', 'cap_dac_read_search'],
] as const)
  live(`without ${capability} the message names only that`, async (_, t) => {
    if (!needed().includes(without)) return t.skip('tracefs is mounted');
    const rest = needed().filter((name) => name !== without);
    // the broadest capability stands for these two
    if (without === 'bpf' || without === 'perfmon') rest.splice(0, 9, ...rest.filter((name) => name !== 'sys_admin'));
    assert.equal(refusal(rest), capability);
  });

live('with no capabilities, or few, the message names what the first step lacks', async () => {
  assert.equal(refusal(['dac_read_search']), 'cap_bpf,cap_perfmon');
  assert.equal(refusal(['bpf', 'perfmon']), mounted() ? 'cap_dac_read_search' : 'cap_sys_admin,cap_dac_read_search');
});
