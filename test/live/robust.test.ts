import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Collector, connects, counted, ledger, lostAttempts, lostIn, outcomes } from './collect.js';
import type { Holds } from './cycles.js';
import { fresh, onExit } from './folder.js';
import { exists, held, kinds } from './held.js';
import { live } from './live.js';
import { until } from './wait.js';

const uid = 1_000_000 + process.pid;

/** A collector, and the reader of its output, which the test can stop. */
async function withReader(args: string[]) {
  const [fifo, file] = [fresh('fifo'), fresh('read.ndjson')];
  execFileSync('mkfifo', [fifo]);
  const hold = openSync(fifo, constants.O_RDWR);
  const to = openSync(file, 'w');
  const reader = spawn('cat', [fifo], { stdio: ['ignore', to, 'inherit'] });
  onExit(() => reader.kill('SIGKILL'));
  const writeEnd = openSync(fifo, constants.O_WRONLY);
  const collector = new Collector(['--status', '-u', uid, ...args], undefined, writeEnd);
  const lines = () => readFileSync(file, 'utf8').split('\n').slice(0, -1);
  await until('the first line', () => lines().length > 0);
  for (const fd of [to, writeEnd, hold]) closeSync(fd);
  return { collector, reader, lines, read: once(reader, 'exit') };
}

for (const report of ['attempt', 'outcome', 'both'] as const)
  live(
    `200,000 connects and a reader that stops for a while, --report ${report}: all are reported or counted`,
    async (net) => {
      const { collector, reader, lines, read } = await withReader(['--report', report]);
      const traffic = Array.from({ length: 4 }, () => net.client(['quiet', 40_000, '127.0.0.1', 9], uid));
      reader.kill('SIGSTOP');
      await Promise.all(traffic.slice(0, 2)); // the reader is stopped until these two are done
      reader.kill('SIGCONT');
      await Promise.all([...traffic, net.client(['quiet', 40_000, '127.0.0.1', 9], uid)]);
      const { code, stderr } = await collector.stop();
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      await read;
      const all = lines();
      const lost = lostAttempts(all);
      const [started, ended] = [connects(all).length, outcomes(all).length];
      console.error(`# ${started} connects, ${ended} outcomes, ${lost} lost`);
      assert.equal((report === 'attempt' ? started : ended) + lost, 200_000);
      if (report === 'both') assert.equal(started + ended + lostIn(all), 400_000);
      assert.ok(lost > 0, 'the reader was too fast for this test');
      assert.deepEqual(counted(all), ledger(all, report));
    },
  );

/** Must be divisible by 8, as 200 must. These take 45 s, and more than two minutes on a busy machine. */
const cycles = 1000;

live(
  `${cycles} starts and stops in one process leave nothing behind, and memory does not keep growing`,
  async () => {
    const script = fileURLToPath(new URL('cycles.ts', import.meta.url));
    const args = ['--expose-gc', '--import', 'tsx', script, '200', String(cycles)];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 580_000 });
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
    const [early, late, after] = JSON.parse(stdout) as [Holds, Holds, Holds];
    const { rssKb, ...rest } = early;
    const { rssKb: grown, ...now } = late;
    assert.deepEqual(now, rest);
    assert.equal(rest.bpf, 0);
    assert.ok(after.threads < late.threads, 'its threads end');
    assert.ok(grown - rssKb < 10_240, `it grew by ${grown - rssKb} KiB: ${stdout}`);
    console.error(`# RSS ${rssKb} KiB after 200, ${grown} KiB after ${cycles}`);
  },
  { timeout: 600_000 },
);

live('SIGKILL during traffic leaves nothing attached', async (net) => {
  const traffic = net.start(['forever', '127.0.0.1', 9], uid);
  for (const report of ['attempt', 'outcome', 'both']) {
    const collector = await Collector.start(['--report', report, '-u', uid]);
    await until('an event', () => [...connects(collector.lines()), ...outcomes(collector.lines())].length > 0);
    const ids = kinds.flatMap((kind) => held(kind, collector.child.pid as number).map((id) => [kind, id] as const));
    for (const kind of kinds) assert.ok(ids.some(([one]) => one === kind));
    await collector.stop('SIGKILL');
    for (const [kind, id] of ids) await until(`${kind} ${id} is gone`, () => !exists(kind, id));
  }
  traffic.child.kill();
});
