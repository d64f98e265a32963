import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { bin, Collector, connects, counted, ledger, outcomes, statuses } from './collect.js';
import { live, same } from './live.js';
import { paired } from './outcomes.js';
import { until } from './wait.js';

const uid = 1_000_000 + process.pid;

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  live(`${signal} right after the last attempt loses nothing, exit code 0`, async (net) => {
    net.onlyPort(40000);
    const collector = await Collector.start(['--report', 'both', '-u', uid]);
    const { attempts } = await net.client(['burst', 1, 300, '127.0.0.1', 9], uid);
    const { code, stderr, lines } = await collector.stop(signal);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    same(connects(lines), attempts, Array(300).fill({ saddr: '127.0.0.1', sport: 40000 }));
    paired(lines);
    const { out, lost, pending } = counted(lines);
    assert.deepEqual([out, lost, pending], [300, 0, 0]);
  });

  live(`${signal} twice at once, as timeout(1) sends it: open attempts are reported, exit code 0`, async () => {
    for (let i = 0; i < 5; i++) {
      const collector = await Collector.start(['-u', uid]);
      collector.child.kill(signal);
      await sleep(20); // it is detaching its programs
      collector.child.kill(signal);
      const { code, signal: by } = await collector.ended;
      assert.deepEqual({ code, by }, { code: 0, by: null });
      assert.equal(statuses(collector.lines()).length, 2);
    }
  });

  for (const report of ['attempt', 'outcome', 'both'] as const)
    live(`${signal} during traffic, --report ${report}: the end status counts the lines correctly`, async (net) => {
      const collector = new Collector(['--status', '--report', report, '-u', uid]);
      const traffic = net.start(['quiet', 2_000_000, '127.0.0.1', 9], uid);
      await collector.ready();
      const events = () => [...connects(collector.lines()), ...outcomes(collector.lines())];
      while (events().length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      const { code, lines } = await collector.stop(signal);
      traffic.child.kill();
      assert.equal(code, 0);
      assert.deepEqual(counted(lines), ledger(lines, report, counted(lines).pending));
      // attempts made while the programs were attached and detached count too
      const all = [...connects(lines), ...outcomes(lines)];
      const wrong = all.filter(({ error }) => error !== 'ECONNREFUSED').map(({ seq }) => seq);
      const which = `seq ${wrong.slice(0, 3)} to ${wrong.at(-1)} of ${all.length}`;
      assert.equal(wrong.length, 0, `${wrong.length} refused, but without errno: ${which}`);
    });
}

live('a signal right after the first line ends it as at any other time', async () => {
  const stopped = async () => {
    const child = spawn(`${bin}collector`, ['--status', '-u', '4000000000'], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part) => {
      if (text === '') child.kill();
      text += part;
    });
    const [code, signal] = await once(child, 'close');
    return `${code ?? signal}, ${statuses(text.split('\n')).length} status lines`;
  };
  for (let i = 0; i < 10; i++) {
    const ends = await Promise.all([stopped(), stopped()]);
    assert.deepEqual(ends, Array(2).fill('0, 2 status lines'));
  }
});

/** Runs a shell line. Resolves to its stdout and stderr. Only the test's time limit applies. */
async function shell(line: string): Promise<{ stdout: string; stderr: string }> {
  const child = spawn('bash', ['-c', line], {
    env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text) => {
      said[stream] += text;
    });
  }
  await once(child, 'close');
  return said;
}

live('a reader that has exited: exit code 0, even if no further event arrives', async () => {
  const { stdout, stderr } = await shell(`collector --status -u ${uid} | head -n 1 | wc -l; echo "\${PIPESTATUS[0]}"`);
  assert.deepEqual({ stdout, stderr }, { stdout: '1\n0\n', stderr: '' });
});

live('a reader that exited before the start: exit code 0', async () => {
  const { stdout, stderr } = await shell(`{ { sleep 0.1; collector -u ${uid}; echo $? >&3; } | true; } 3>&1`);
  assert.deepEqual({ stdout, stderr }, { stdout: '0\n', stderr: '' });
});

live('a reader that closed a socket with events unread: exit code 0', async (net) => {
  const child = spawn(`${bin}collector`, ['--status', '-u', String(uid)]); // spawn uses socket pairs
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  await once(child.stdout, 'readable');
  const traffic = net.start(['forever', '127.0.0.1', 9], uid);
  const seen = [-1];
  await until('it waits to write', () => {
    seen.push(Number(readFileSync(`/proc/${child.pid}/io`, 'utf8').match(/wchar: (\d+)/)?.[1]));
    return new Set(seen.slice(-20)).size === 1;
  });
  child.stdout.destroy();
  const [code] = await once(child, 'close');
  traffic.child.kill('SIGKILL');
  assert.deepEqual([code, said], [0, '']);
});

live('a full disk: one line and exit code 1', async () => {
  const command = `${bin}collector --status -u ${uid} >/dev/full`;
  const { status, stderr } = spawnSync('sh', ['-c', command], { encoding: 'utf8', timeout: 60_000 });
  assert.equal(stderr, 'collector: cannot write standard output: ENOSPC; free some space\n');
  assert.equal(status, 1);
});

live('a disk that is full at the first event: one line and exit code 1', async (net) => {
  const traffic = net.start(['forever', '127.0.0.1', 9], uid);
  const command = `${bin}collector -u ${uid} >/dev/full`;
  const { status, stderr } = spawnSync('sh', ['-c', command], { encoding: 'utf8', timeout: 60_000 });
  traffic.child.kill();
  assert.equal(stderr, 'collector: cannot write standard output: ENOSPC; free some space\n');
  assert.equal(status, 1);
});
