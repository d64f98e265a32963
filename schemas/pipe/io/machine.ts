/** What this machine looks like from this process. */
import { readFileSync, readlinkSync } from 'node:fs';

/** The initial PID namespace, which the PIDs of events belong to. Its inode number is fixed in the kernel: PROC_PID_INIT_INO. */
const initialPidNamespace = 'pid:[4026531836]';

/** Whether this process sees other process numbers than the kernel, for example because it is in a container. */
export const ownPids = () => readlinkSync('/proc/self/ns/pid') !== initialPidNamespace;

/** Returns what is mounted, in the format of proc_pid_mountinfo(5). */
export const mounts = () => readFileSync('/proc/self/mountinfo', 'utf8');

/** Returns where the cgroup2 hierarchy is mounted; undefined if it is not mounted. */
export function cgroup2(mountinfo = mounts()): string | undefined {
  const mount = /^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2 /m.exec(mountinfo)?.[1];
  return mount?.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** Returns whether hierarchies of cgroup v1 are mounted. */
export const hasCgroup1 = (mountinfo = mounts()) => / - cgroup \S+ /.test(mountinfo);
