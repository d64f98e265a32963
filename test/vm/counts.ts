/*
 * Runs in a guest: `collector | aggregate --by saddr,daddr,dport` together with libbpf-tools' `tcpconnect -c`, and with
 * SYNPIPE_VM_BCC=1 also bcc's, if it works there. Prints one JSON object, a Counts.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import type { Summary } from '../../dist/index.js';
import { bin } from '../live/collect.js';
import { fresh, onExit } from '../live/folder.js';
import { until } from '../live/wait.js';
import { output, type Peer, start } from './originals.js';
import { type Command, Place } from './place.js';

export interface Counts {
  kernel: string;
  /** `LADDR RADDR RPORT CONNECTS` of each group, sorted. */
  ours: string[];
  /** The same for each original. */
  theirs: Record<string, string[]>;
}

const [open, closed] = [8080, 9];
const traffic: [Command, number][] = [
  [['blocking', '127.0.0.1', open], 7],
  [['blocking', '127.0.0.1', closed], 4],
  [['blocking', '::1', open], 3],
  [['blocking', '::ffff:127.0.0.1', open], 2],
  [['nonblocking', '127.0.0.2', open], 5],
  [['blocking', '192.0.2.1', closed], 6], // no route
];
/** It prints nothing when it starts. */
const libbpf: Peer = {
  name: 'libbpf-tools tcpconnect -c',
  command: ['env', '--default-signal=INT', '/usr/sbin/tcpconnect', '-c'],
  fields: [],
  ready: () =>
    execFileSync('bpftool', ['perf', 'show'], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.startsWith(`pid ${libbpf.running?.child.pid} `)).length >= 4,
};
const bcc: Peer = {
  name: 'tcpconnect-bpfcc -c',
  command: ['env', '--default-signal=INT', 'PYTHONUNBUFFERED=1', '/usr/sbin/tcpconnect-bpfcc', '-c'],
  fields: [],
  ready: () => output(bcc).includes('Hit Ctrl-C'),
};
const peers = process.env.SYNPIPE_VM_BCC === '1' && release().startsWith('6.1.') ? [libbpf, bcc] : [libbpf];

/** Ends it as Ctrl-C does. With `group`, the whole group gets the signal. */
async function interrupt(child: ChildProcess, group: boolean): Promise<void> {
  const ended = once(child, 'exit');
  process.kill(group ? -(child.pid as number) : (child.pid as number), 'SIGINT');
  await ended;
}

const path = fresh('summaries');
const file = openSync(path, 'w');
const pipeline = spawn('bash', ['-c', 'collector --status | aggregate --by saddr,daddr,dport'], {
  env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
  stdio: ['ignore', file, 'inherit'],
  detached: true,
});
closeSync(file);
onExit(() => process.kill(-(pipeline.pid as number), 'SIGKILL'));
const lines = () => readFileSync(path, 'utf8').split('\n').filter(Boolean);

const net = new Place();
const counts: Counts = { kernel: release(), ours: [], theirs: {} };
try {
  await net.serve(open);
  await Promise.all(peers.map(start));
  await until('the collector starts', () => lines().length > 0);
  for (const [command, times] of traffic) await net.drive(Array<Command>(times).fill(command));
  await interrupt(pipeline, true);
  for (const peer of peers) await interrupt(peer.running?.child as ChildProcess, false);
  counts.ours = lines()
    .map((line) => JSON.parse(line) as Summary & Record<string, unknown>)
    .filter(({ type }) => type === 'summary')
    .map(({ saddr = '-', daddr, dport, count }) => `${saddr} ${daddr} ${dport} ${count}`)
    .sort();
  for (const peer of peers) {
    const rows = output(peer)
      .split('\n')
      .map((line) => line.trim().split(/\s+/));
    counts.theirs[peer.name] = rows
      .filter(({ length, 3: count = '' }) => length === 4 && /^\d+$/.test(count))
      .map((row) => row.join(' '))
      .sort();
  }
} finally {
  for (const { running } of peers) running?.child.kill('SIGKILL');
  await net.remove();
}
console.log(JSON.stringify(counts));
