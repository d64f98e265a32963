import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { fresh, onExit } from '../live/folder.js';
import { until } from '../live/wait.js';

/** What an original tool prints for an attempt. */
export interface Line {
  text: string;
  pid: number;
  comm: string;
  saddr: string;
  sport?: number;
  daddr: string;
  dport: number;
  latency?: number;
}
type Field = Exclude<keyof Line, 'text'> | 'time' | 'ip';
export interface Peer {
  name: string;
  command: string[];
  fields: Field[];
  /** Whether it has started. By default, once it prints DPORT. */
  ready?: () => boolean;
  running?: { child: ChildProcess; path: string; errors: string };
}

export const peers: Peer[] = [
  {
    name: 'tcpconnect.bt',
    command: ['bpftrace', '-B', 'line', '/usr/sbin/tcpconnect.bt'],
    fields: ['time', 'pid', 'comm', 'saddr', 'sport', 'daddr', 'dport'],
  },
  {
    name: 'libbpf-tools tcpconnect',
    command: ['stdbuf', '-oL', '/usr/sbin/tcpconnect'],
    fields: ['pid', 'comm', 'ip', 'saddr', 'daddr', 'dport'],
  },
  {
    name: 'libbpf-tools tcpconnlat',
    command: ['stdbuf', '-oL', '/usr/sbin/tcpconnlat', '-L'],
    fields: ['pid', 'comm', 'ip', 'saddr', 'sport', 'daddr', 'dport', 'latency'],
  },
];
// Debian 12's bcc cannot compile its program with the headers of later kernels
if (process.env.SYNPIPE_VM_BCC === '1' && release().startsWith('6.1.'))
  peers.push({
    name: 'tcpconnect-bpfcc',
    command: ['env', 'PYTHONUNBUFFERED=1', '/usr/sbin/tcpconnect-bpfcc', '-L'],
    fields: ['pid', 'comm', 'ip', 'saddr', 'sport', 'daddr', 'dport'],
  });

export const output = ({ running }: Peer) => readFileSync(running?.path as string, 'utf8');

/** Parses columns. The name may contain spaces, so the columns right of it are counted from the right. */
export function parse({ fields }: Peer, text: string): Line | undefined {
  const at = fields.indexOf('comm');
  const right = fields.length - at - 1;
  const words = text.trim().split(/\s+/);
  const given = [...words.slice(0, at), words.slice(at, -right).join(' '), ...words.slice(-right)];
  const line = Object.fromEntries(fields.map((field, i) => [field, given[i] ?? ''])) as Record<Field, string>;
  if (!/^\d+$/.test(line.pid)) return undefined;
  const plain = (address: string) => address.replace(/^::ffff:/, '');
  return {
    text,
    pid: Number(line.pid),
    comm: line.comm,
    saddr: plain(line.saddr),
    daddr: plain(line.daddr),
    dport: Number(line.dport),
    ...(line.sport && { sport: Number(line.sport) }),
    ...(line.latency && { latency: Math.round(Number(line.latency) * 1000) }),
  };
}

export async function start(peer: Peer): Promise<void> {
  const [path, errors] = [fresh('peer'), fresh('peer-errors')];
  const [out, err] = [openSync(path, 'w'), openSync(errors, 'w')];
  const [file, ...args] = peer.command as [string, ...string[]];
  const child = spawn(file, args, { stdio: ['ignore', out, err] });
  onExit(() => child.kill('SIGKILL'));
  closeSync(out);
  closeSync(err);
  peer.running = { child, path, errors };
  const ready = () => {
    if (child.exitCode !== null) throw new Error(`${peer.name} exited: ${readFileSync(errors, 'utf8')}`);
    return peer.ready ? peer.ready() : output(peer).includes('DPORT');
  };
  await until(`${peer.name} starts`, ready, 400);
}
