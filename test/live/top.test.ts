import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import type { TestContext } from 'node:test';
import { Terminal } from '../support/terminal.js';
import { addresses } from './link.js';
import { linked } from './linked.js';
import type { Net } from './net.js';
import { until } from './wait.js';

const { silent } = addresses[4];
const row = /^ pending +(\d+\.\d) s\b.* (\S+)\[(\d+)\] +(\S+)$/;
const pids = ({ name }: Net) =>
  execFileSync('ip', ['netns', 'pids', name], { encoding: 'utf8' }).split('\n').filter(Boolean);

/** synpipe top on a terminal, in this namespace, with these variables. */
function top(t: TestContext, net: Net, variables: readonly string[], ...args: string[]): Terminal {
  return new Terminal(t, [...net.enter, 'env', ...variables, 'synpipe', 'top', ...args], 100, 24);
}

/** Waits until exactly one attempt waits. Returns its row, after it has been drawn with a later time. */
async function ticking(terminal: Terminal): Promise<{ pid: number; to: string }> {
  const waits = (lines: string[]) => (lines[2]?.startsWith(' WAITING: 1 ') ? row.exec(lines[3] as string) : null);
  await terminal.shows('an attempt that waits', (lines) => waits(lines) !== null);
  const [, first] = waits(terminal.lines) as RegExpExecArray;
  await terminal.shows('that it ticks', (lines) => Number(waits(lines)?.[1] ?? 0) > Number(first));
  const [, , , pid, to] = waits(terminal.lines) as RegExpExecArray;
  return { pid: Number(pid), to: to as string };
}

for (const [how, variables] of [
  ['as root', []],
  ['by sudo', ['SUDO_UID=65534', 'SUDO_GID=65534']],
] as const)
  linked(`synpipe top -- COMMAND, ${how}: what hangs ticks, and q ends all processes`, async (net, _, t) => {
    const terminal = top(t, net, variables, '--', 'bash', '-c', `: </dev/tcp/${silent}/8080`);
    const { pid, to } = await ticking(terminal);
    assert.ok(pids(net).includes(String(pid)));
    assert.equal(to, `${silent}:8080`);
    terminal.type('q');
    assert.equal(await terminal.ended, 0);
    assert.match(terminal.lines[0] as string, /^1 attempt/);
    await until('no process is left', () => pids(net).length === 0);
  });

linked("synpipe top -- COMMAND: the command's exit status is shown and passed on", async (net, _, t) => {
  const terminal = top(t, net, [], '--', 'bash', '-c', ': </dev/tcp/127.0.0.1/9; exit 7');
  const says = 'bash ended with exit status 7';
  await terminal.shows('its status', (lines) => lines.join('\n').includes(says));
  terminal.type('q');
  assert.equal(await terminal.ended, 7);
});

for (const signal of ['SIGTERM', 'SIGKILL'] as const)
  linked(`synpipe top -p PID shows only this process; ${signal} leaves no process behind`, async (net, _, t) => {
    const [it, other] = [8081, 8082].map((port) => net.start(['hanging', silent, port]).child);
    const terminal = top(t, net, [], '-p', String(it?.pid));
    const { pid, to } = await ticking(terminal);
    assert.deepEqual({ pid, to }, { pid: it?.pid, to: `${silent}:8081` });
    process.kill(Number(execFileSync('pgrep', ['-f', `bin/synpipe top -p ${pid}$`], { encoding: 'utf8' })), signal);
    if (signal === 'SIGTERM') assert.equal(await terminal.ended, 0);
    const clients = [it, other].map((child) => String(child?.pid)).sort();
    await until('only the clients are left', () => pids(net).sort().join() === clients.join());
  });
