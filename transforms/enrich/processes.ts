import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasCgroup1, ownPids } from '../../schemas/pipe/io/machine.js';
import { AgingMap } from '../../schemas/pipe/stage/aging-map.js';
import { type CgroupInfo, parseCgroupPaths } from './cgroup.js';

/** How many processes are remembered; the most recent ones are kept. */
const maxProcesses = 4_096;
/** How long a result from /proc is used. A PID is unlikely to be reused within this time. */
const maxAgeMs = 1_000;
const ticksPerSecond = 100; // USER_HZ, which is the same on all supported architectures
/** Allowance for errors: start time and uptime are exact to a tick each, and the clock may have been adjusted a little. */
const slackMs = 50;

interface Process {
  info: CgroupInfo;
  /** When it started and when it was last seen running, in ms since 1970. */
  started: number;
  seen: number;
}

/**
 * Finds the cgroup v1 paths of processes. On a host with both versions, most processes are in the root of the v2 tree, and
 * events only have the v2 cgroup. This works only while the process is running.
 */
export class Processes {
  readonly #known = new AgingMap<number, Process>();

  constructor(private readonly proc = '/proc') {}

  /** Returns undefined if this machine has no v1 hierarchies, or if /proc is in another PID namespace than events. */
  static here(): Processes | undefined {
    try {
      return !ownPids() && hasCgroup1() ? new Processes() : undefined;
    } catch {
      return undefined;
    }
  }

  /**
   * Returns what the cgroups of a process name. Returns undefined if the process was not running yet at `at` (ms since
   * 1970), because the PID belonged to another process then.
   */
  find(pid: number, at: number, now = Date.now()): CgroupInfo | undefined {
    let known = this.#known.get(pid);
    if (!known || now - known.seen > maxAgeMs || at < known.started - slackMs) {
      const found = this.#read(pid, now);
      if (found || !known || at > known.seen + maxAgeMs) known = found;
      this.#known.delete(pid);
      if (known) this.#known.set(pid, known);
      if (this.#known.size > maxProcesses) this.#known.delete(this.#known.oldest as number);
    }
    return known && at >= known.started - slackMs ? known.info : undefined;
  }

  #read(pid: number, now: number): Process | undefined {
    if (!existsSync(join(this.proc, String(pid)))) return undefined; // ten times as fast as catching the exception
    try {
      const ticks = this.#ticks(pid);
      const info = parseCgroupPaths(v1Paths(readFileSync(join(this.proc, String(pid), 'cgroup'), 'utf8')));
      // If the start time has changed, the cgroups may be those of another process.
      if (this.#ticks(pid) !== ticks) return undefined;
      const uptime = Number.parseFloat(readFileSync(join(this.proc, 'uptime'), 'utf8'));
      return { info, started: now - 1000 * (uptime - ticks / ticksPerSecond), seen: now };
    } catch {
      return undefined; // the process has ended, or is hidden by hidepid
    }
  }

  /** Returns the start time of a process, in ticks since boot. */
  #ticks(pid: number): number {
    const stat = readFileSync(join(this.proc, String(pid), 'stat'), 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  }
}

/** Returns the v1 paths in /proc/PID/cgroup. That of systemd's hierarchy comes first because only this has all units. */
export function v1Paths(text: string): string[] {
  const lines = text.split('\n').flatMap((line) => {
    const [, controllers = '', path = ''] = /^\d+:([^:]+):(.*)$/.exec(line) ?? [];
    return path === '' ? [] : [{ controllers, path }];
  });
  const systemd = lines.filter(({ controllers }) => controllers === 'name=systemd');
  return [...new Set([...systemd, ...lines].map(({ path }) => path))];
}
