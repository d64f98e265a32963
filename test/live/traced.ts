import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, rmdirSync } from 'node:fs';
import { bin } from './collect.js';
import { fresh, onExit } from './folder.js';
import type { Net } from './net.js';
import { until } from './wait.js';

export interface Run {
  child: ChildProcess;
  /** stderr of the collector, and of the command, which prints there too. */
  lines: () => string[];
  stderr: () => string;
  ended: Promise<number | NodeJS.Signals>;
}

/** Runs the collector in a namespace, which its command shares. `input`: the standard input. */
export function trace(
  net: Net,
  args: (string | number)[],
  more: { input?: string; env?: object; group?: true } = {},
): Run {
  const [out, err] = [fresh('events.ndjson'), fresh('stderr')];
  const [to, errors] = [openSync(out, 'w'), openSync(err, 'w')];
  const command = [...net.enter, `${bin}collector`, ...args.map(String)] as [string, ...string[]];
  const env = { ...process.env, SYNPIPE_TEST_NETNS: String(net.inode), ...more.env };
  const child = spawn(command[0], command.slice(1), {
    stdio: ['pipe', to, errors],
    env: env as NodeJS.ProcessEnv,
    detached: more.group ?? false,
  });
  for (const fd of [to, errors]) closeSync(fd);
  onExit(() => child.kill('SIGKILL'));
  child.stdin?.end(more.input ?? '');
  const ended = once(child, 'exit').then(([code, signal]) => code ?? signal);
  const lines = () => readFileSync(out, 'utf8').split('\n').slice(0, -1);
  const run = { child, ended, lines, stderr: () => readFileSync(err, 'utf8') };
  onExit(() => existsSync(cgroupOf(run)) && rmdirSync(cgroupOf(run)));
  return run;
}

/** The cgroup that the command's processes are in. */
export function cgroupOf({ child }: Run): string {
  const mount = readFileSync('/proc/mounts', 'utf8').match(/^\S+ (\S+) cgroup2 /m)?.[1] as string;
  const own = readFileSync('/proc/self/cgroup', 'utf8').match(/^0::(.*)$/m)?.[1] as string;
  return `${mount}${own === '/' ? '' : own}/synpipe-${child.pid}`;
}
export async function gone(run: Run): Promise<void> {
  const path = cgroupOf(run);
  await until('the cgroup is gone', () => !existsSync(path), 20);
}
