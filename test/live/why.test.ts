import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { client } from './client.js';
import { bin } from './collect.js';
import { live } from './live.js';
import type { Net } from './net.js';
import { until } from './wait.js';

/** What synpipe why prints about a command, without times and dates. */
function why(net: Net, filter: string[], ...command: string[]): string[] {
  const text = net.run('env', `SYNPIPE_TEST_NETNS=${net.inode}`, `${bin}synpipe`, 'why', ...filter, '--', ...command);
  const lines = text.trimEnd().split('\n');
  return lines
    .map((line) => line.replace(/^ {2}(\d\d:\d\d:\d\d\.\d{3})? *([+-][\d.]+ (µs|ms|s))?/, '').trim())
    .map((line) => line.replace(/\d\d:\d\d:\d\d\.\d{3}|[\d.]+ (µs|ms|s)\b|PID \d+/g, '…'))
    .filter((line) => !/^-- .* --$/.test(line));
}

live('synpipe why -- COMMAND: from the call to the end of the connection', async (net) => {
  const lines = why(net, [], client(), 'life', '127.0.0.1', '8080', 'c>100 s>50 sX cX');
  assert.match(lines[0] as string, /^\S+ → \S+:8080( \(127\.0\.0\.1\))?: closed$/);
  const story = lines.slice(1).join(' ');
  assert.match(
    story,
    / calls connect\(\) to 127\.0\.0\.1:8080 established after … closed by the remote side after …; 100 B sent, 50 B received/,
  );
});

live('synpipe why FILTER -- COMMAND: the same story is shown once, what is not selected is not shown', async (net) => {
  const script = 'for port in 9 9 9 10; do : 2>/dev/null </dev/tcp/127.0.0.1/$port; done; true';
  const lines = why(net, ['dport == 9'], 'bash', '-c', script);
  assert.equal(lines.filter((line) => line.includes('refused by 127.0.0.1 with a reset')).length, 1);
  assert.ok(
    lines.some((line) => /^3 × \S+ → .*: refused$/.test(line)),
    lines.join('\n'),
  );
  assert.ok(!lines.join('\n').includes(':10'));
});

live('synpipe why, live: an attempt that hangs is shown while it hangs', async (net) => {
  net.blackhole(8080);
  net.sysctl('ipv4/tcp_syn_retries', '6'); // longer than any look at it takes
  const dir = ['env', `SYNPIPE_TEST_NETNS=${net.inode}`];
  const seen = net.spawn(
    [...dir, `${bin}synpipe`, 'why', '--', client(), 'blocking', '127.0.0.1', '8080'],
    ['ignore', 'pipe', 'inherit'],
  );
  let text = '';
  seen.stdout?.on('data', (part) => {
    text += part;
  });
  await until('the story', () => text.includes('still waiting'));
  assert.match(
    text,
    /: waiting\n[\s\S]* calls connect\(\) to 127\.0\.0\.1:8080\n[\s\S]*still waiting after [\d.]+ s: no answer to /,
  );
  assert.equal(seen.exitCode, null);
  seen.kill('SIGINT');
  await once(seen, 'exit');
});

/** Runs synpipe why -- COMMAND. Returns its exit status and what it wrote to stderr. */
async function statusOf(net: Net, ...command: string[]): Promise<{ code: number; stderr: string }> {
  const child = net.spawn([`${bin}synpipe`, 'why', '--', ...command], ['ignore', 'ignore', 'pipe']);
  let stderr = '';
  child.stderr?.on('data', (part) => {
    stderr += part;
  });
  const [code] = await once(child, 'close');
  return { code, stderr: stderr.replace(/^.*(waiting for the first event|the collector is starting).*\n/gm, '') };
}

live("synpipe why -- COMMAND: the command's exit status is passed on", async (net) => {
  const ended = (status: number) => `sh ended with exit status ${status}\nsynpipe why: there were no attempts\n`;
  assert.deepEqual(await statusOf(net, 'sh', '-c', 'exit 7'), { code: 7, stderr: ended(7) });
  assert.deepEqual(await statusOf(net, 'sh', '-c', 'kill -9 $$'), { code: 137, stderr: ended(137) });
  assert.equal((await statusOf(net, 'bash', '-c', ': </dev/tcp/127.0.0.1/9; exit 3')).code, 3);
  assert.deepEqual(await statusOf(net, '/nonexistent'), {
    code: 127,
    stderr: 'synpipe why: cannot run /nonexistent: ENOENT; check the path\n',
  });
});

live('synpipe why -- COMMAND: a command that fails without an attempt runs once', async (net) => {
  const file = join(await mkdtemp(join(tmpdir(), 'synpipe-why-')), 'runs');
  for (const more of ['', 'sleep 2 & ']) {
    const { code } = await statusOf(net, 'sh', '-c', `echo once >>${file}; ${more}exit 1`);
    assert.equal(code, 1);
    assert.equal(await readFile(file, 'utf8'), 'once\n', more);
    await rm(file);
  }
  await rm(dirname(file), { recursive: true });
});
