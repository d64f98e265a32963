import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { AgingMap } from '../../schemas/pipe/stage/aging-map.js';
import { type Who, whoOf } from './cgroup.js';

/** How many processes are remembered, those seen last. */
const mostKnown = 4_096;
/** What /proc says of a process holds for that long: before that its PID is hardly another's. */
const holdsMs = 1_000;
const ticksPerSecond = 100; // USER_HZ, the same on all architectures that we run on
/** The start of a process is known to a tick, the uptime to another, and the clock may have been set a little. */
const slackMs = 50;
/** The first PID namespace, whose numbers events have: its inode number is fixed in the kernel. */
const firstPidNamespace = 'pid:[4026531836]';

interface Process {
  who: Who;
  /** When it started and when it was last seen to live, in ms since 1970. */
  started: number;
  seen: number;
}

/**
 * Who is in the cgroups of v1 hierarchies, by process: on a hybrid host most processes are in the root of the v2 tree, and
 * an event has no other cgroup. That works while the process lives.
 */
export class Processes {
  readonly #known = new AgingMap<number, Process>();

  constructor(private readonly proc = '/proc') {}

  /** Undefined if this machine has no v1 hierarchies, or /proc numbers processes in another way than events do. */
  static here(): Processes | undefined {
    try {
      if (readlinkSync('/proc/self/ns/pid') !== firstPidNamespace) return undefined;
      return hasV1(readFileSync('/proc/self/mountinfo', 'utf8')) ? new Processes() : undefined;
    } catch {
      return undefined;
    }
  }

  /**
   * Returns what the cgroups of a process say. It must have been running at that time (ms since 1970), else the PID was
   * another's then: undefined.
   */
  who(pid: number, at: number, now = Date.now()): Who | undefined {
    let known = this.#known.get(pid);
    if (!known || now - known.seen > holdsMs || at < known.started - slackMs) {
      const found = this.#read(pid, now);
      if (found || !known || at > known.seen + holdsMs) known = found;
      this.#known.delete(pid);
      if (known) this.#known.set(pid, known);
      if (this.#known.size > mostKnown) this.#known.delete(this.#known.oldest as number);
    }
    return known && at >= known.started - slackMs ? known.who : undefined;
  }

  #read(pid: number, now: number): Process | undefined {
    if (!existsSync(join(this.proc, String(pid)))) return undefined; // an exception takes ten times as long
    try {
      const ticks = this.#ticks(pid);
      const who = whoOf(v1Paths(readFileSync(join(this.proc, String(pid), 'cgroup'), 'utf8')));
      // The same process before and after, so the cgroups are its own.
      if (this.#ticks(pid) !== ticks) return undefined;
      const uptime = Number.parseFloat(readFileSync(join(this.proc, 'uptime'), 'utf8'));
      return { who, started: now - 1000 * (uptime - ticks / ticksPerSecond), seen: now };
    } catch {
      return undefined; // gone, or hidden by hidepid
    }
  }

  /** When it started, in ticks since the machine did. */
  #ticks(pid: number): number {
    const stat = readFileSync(join(this.proc, String(pid), 'stat'), 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  }
}

/** Whether v1 hierarchies are mounted. */
export function hasV1(mountinfo: string): boolean {
  return / - cgroup \S+ /.test(mountinfo);
}

/** The paths of /proc/PID/cgroup in v1 hierarchies: systemd's own comes first, since only that has all units. */
export function v1Paths(text: string): string[] {
  const lines = text.split('\n').flatMap((line) => {
    const [, controllers = '', path = ''] = /^\d+:([^:]+):(.*)$/.exec(line) ?? [];
    return path === '' ? [] : [{ controllers, path }];
  });
  const systemd = lines.filter(({ controllers }) => controllers === 'name=systemd');
  return [...new Set([...systemd, ...lines].map(({ path }) => path))];
}
