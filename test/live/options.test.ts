import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { bin, Collector, connects, counted, ledger, outcomes, statuses, stillOpen } from './collect.js';
import { fresh } from './folder.js';
import { live, same } from './live.js';
import { until } from './wait.js';

live('-p reports only this process', async (net) => {
  net.onlyPort(40000);
  const wanted = net.start(['wait', 'blocking', '127.0.0.1', 9]);
  const other = net.start(['wait', 'blocking', '127.0.0.1', 9]);
  const collector = await Collector.start(['--report', 'attempt', '-p', `${process.pid},${wanted.child.pid}`]);
  const { attempts } = await wanted.finish();
  await other.finish();
  const { lines, code } = await collector.stop();
  same(connects(lines), attempts, [{ saddr: '127.0.0.1', sport: 40000 }]);
  assert.equal(code, 0);
});

live('-u reports only these users', async (net) => {
  net.onlyPort(40000);
  const uid = 10_000_000 + 4 * process.pid; // several user IDs that no other test file uses
  const collector = await Collector.start(['--report', 'attempt', '--uid', `${uid},${uid + 1}`]);
  const said = [];
  for (const one of [uid, uid + 2, uid + 1]) said.push((await net.client(['blocking', '127.0.0.1', 9], one)).attempts);
  await net.client(['blocking', '127.0.0.1', 9]);
  const { lines } = await collector.stop();
  const own = { saddr: '127.0.0.1', sport: 40000 };
  same(connects(lines), [...(said[0] ?? []), ...(said[2] ?? [])], [own, own]);
});

live('-u accepts a user name', async (net) => {
  const nobody = 65534;
  const collector = await Collector.start(['--report', 'attempt', '-u', 'nobody', '--netns', net.inode]);
  const { attempts } = await net.client(['blocking', '127.0.0.1', 9], nobody);
  await net.client(['blocking', '127.0.0.1', 9], nobody - 1);
  const { lines } = await collector.stop();
  same(connects(lines), attempts, [{ saddr: '127.0.0.1' }]);
  assert.equal(connects(lines)[0]?.uid, nobody);
});

live('-P, -4 and -6 report only what they select', async (net) => {
  const uid = 1_000_000 + process.pid;
  const ranges = Array.from({ length: 64 }, (_, i) => `${64_512 + 16 * i}-${64_527 + 16 * i}`).join(); // up to 65535
  const collectors = await Promise.all(
    [['-P', '9,65535'], ['-4'], ['-6'], ['-6', '-P', '10'], ['-P', '1-3,10-11'], ['-P', ranges]].map((args) =>
      Collector.start(['-u', uid, ...args]),
    ),
  );
  const targets = [
    ['127.0.0.1', 9],
    ['127.0.0.1', 10],
    ['::1', 9],
    ['::1', 10],
    ['::ffff:127.0.0.1', 65535],
    ['192.0.2.1', 9],
    ['2001:db8::1', 10],
  ];
  for (const [address, port] of targets) await net.client(['blocking', address as string, port as number], uid);
  const seen: number[][] = [];
  for (const collector of collectors) {
    const { lines } = await collector.stop();
    seen.push(
      outcomes(lines).map(({ daddr, dport, v4mapped }) =>
        targets.findIndex(([address, port]) => address === (v4mapped ? '::ffff:' : '') + daddr && port === dport),
      ),
    );
  }
  const [ports, v4, v6, both, range, many] = seen;
  assert.deepEqual({ ports, v4, v6, both }, { ports: [0, 2, 4, 5], v4: [0, 1, 4, 5], v6: [2, 3, 6], both: [3, 6] });
  assert.deepEqual({ range, many }, { range: [1, 3, 6], many: [4] });
});

for (const [report, last] of [
  ['attempt', connects],
  ['outcome', outcomes],
  ['both', outcomes],
] as const)
  live(`-n with --report ${report}: ends after this many final lines of attempts`, async (net) => {
    const uid = 1_000_000 + process.pid;
    const collector = new Collector(['--status', '--report', report, '-n', 7, '-u', uid]);
    const traffic = net.start(['forever', '127.0.0.1', 9], uid);
    const { code, stderr } = await collector.ended;
    traffic.child.kill();
    const lines = collector.lines();
    const { pending } = counted(lines);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: stillOpen(pending) });
    assert.equal(last(lines).length, 7);
    assert.deepEqual(counted(lines), ledger(lines, report, pending));
    const seqs = lines.slice(1, -1).map((line) => JSON.parse(line).seq);
    assert.deepEqual(
      seqs,
      seqs.map((_, i) => i + 1),
    );
    assert.equal(connects(lines).length, report === 'outcome' ? 0 : 7 + pending);
  });

live("-p in a PID namespace takes the host's process IDs, and says so", async (net) => {
  const wanted = net.start(['wait', 'blocking', '127.0.0.1', 9]);
  const args = ['--duration', '2s', '--report', 'outcome', '-p', String(wanted.child.pid)];
  const collector = spawn('unshare', ['-fp', '--mount-proc', `${bin}collector`, '--status', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  collector.stderr.setEncoding('utf8').on('data', (text) => {
    err += text;
  });
  collector.stdout.setEncoding('utf8').on('data', (text) => {
    out += text;
  });
  const closed = once(collector, 'close');
  await until('the collector starts', () => out !== '');
  await wanted.finish();
  await closed;
  assert.match(out, new RegExp(`"type":"outcome".*"pid":${wanted.child.pid},`));
  assert.match(err, /^collector: takes -p as PIDs of the host, [^\n]+\n$/);
});

live(
  '--netns takes a name in /run/netns, a path, an inode number or a process, and only network namespaces',
  async (net) => {
    const sleeper = net.start(['wait', 'blocking', '127.0.0.1', 9]);
    const path = `/run/netns/${net.name}`;
    const values = [net.name, path, net.inode, sleeper.child.pid as number];
    const collectors = await Promise.all(
      values.map((value) => Collector.start(['--report', 'outcome', '--netns', String(value)])),
    );
    await net.client(['quiet', 3, '127.0.0.1', 9]);
    for (const collector of collectors) {
      const { lines } = await collector.stop();
      assert.equal(statuses(lines)[1]?.out, 3);
    }
    const mounted = fresh('uts');
    writeFileSync(mounted, '');
    execFileSync('unshare', [
      '-m',
      'sh',
      '-c',
      `unshare --uts=${mounted} true && ! ${bin}collector --netns ${mounted} 2>&1 | grep -v 'is not a network namespace'`,
    ]);
    await sleeper.finish();
  },
);

live('--duration ends it; --tier and --status describe the run', async (net) => {
  const uid = 1_000_000 + process.pid;
  const client = net.start(['wait', 'quiet', 20, '127.0.0.1', 9], uid); // it starts before the duration does
  const collector = await Collector.start(['--duration', 3, '--tier', 'tracepoint', '-u', uid]);
  await client.finish();
  const { code, stderr } = await collector.ended;
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  const lines = collector.lines();
  const [start, end] = statuses(lines);
  assert.equal(lines[0], JSON.stringify(start));
  assert.equal(lines.at(-1), JSON.stringify(end));
  assert.equal(start?.tier, 'tracepoint');
  assert.deepEqual(start?.filters?.uid, String(uid));
  assert.ok(start?.kernel && start.version);
  assert.equal(end?.in, 20);
  assert.deepEqual(counted(lines), ledger(lines, 'outcome'));
});

live('a wrong command line prints one line and exits with 2', async () => {
  for (const args of [
    ['--nothing'],
    ['-P', '70000'],
    ['-P', ''],
    ['-p', 'x'],
    ['-n', '0'],
    ['-4', '-6'],
    ['--duration', '-1'],
    ['--tier', 'none'],
    ['-P', Array.from({ length: 65 }, (_, i) => i).join()],
    ['-p', '4194305'],
    ['--netns', '/proc/self/ns/mnt'],
    ['--user', 'no one'],
    ['argument'],
  ]) {
    const { status, stdout, stderr } = spawnSync(`${bin}collector`, args, { encoding: 'utf8', timeout: 60_000 });
    assert.deepEqual({ args, status, stdout }, { args, status: 2, stdout: '' });
    assert.match(stderr, /^collector: [^\n]+\n$/);
  }
});

live('without the right to trace it prints one line and exits with 1', async () => {
  const args = ['--reuid=65534', '--regid=65534', '--clear-groups', `${bin}collector`];
  const { status, stdout, stderr } = spawnSync('setpriv', args, { encoding: 'utf8', timeout: 60_000 });
  assert.deepEqual({ status, stdout }, { status: 1, stdout: '' });
  const refusal =
    /^collector: cannot (load|open) BPF [^:]+: (EPERM|EACCES); run as root or grant cap_bpf,cap_perfmon\n$/;
  assert.match(stderr, refusal);
});
