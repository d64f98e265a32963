/** The values of --pid, --uid, --cgroup and --netns: turned into what the kernel side compares. */
import { readdirSync, readFileSync, readlinkSync, statfsSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { integer, list } from '../schemas/pipe/command/options.js';
import { cause, RuntimeError, UsageError } from '../schemas/pipe/messages/errors.js';
import { loadAddon } from './addon.js';
import { findUser } from './user.js';

const id = integer(0, 4294967295);

/** A user's number, from that, or from a name, which may be known to LDAP and the like only. */
export function uid(text: string): number {
  if (/^\d+$/.test(text)) return id(text);
  const found = findUser(text);
  if (!found) throw new UsageError(`wants the number or the name of a user, not "${text}"; see getent passwd`);
  return found.uid;
}

/** Where the cgroup2 hierarchy is mounted; undefined where it is not. */
export function cgroup2(): string | undefined {
  const mount = /^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2 /m.exec(readFileSync('/proc/self/mountinfo', 'utf8'))?.[1];
  return mount?.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** A cgroup's folder, from its path (absolute, or as /proc/PID/cgroup has it) or its id. */
export function cgroup(text: string): string {
  const root = cgroup2();
  if (root === undefined)
    throw new UsageError('needs cgroup v2, which is not mounted; mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified');
  if (/^\d+$/.test(text)) {
    const found = folderOf(BigInt(text), root);
    if (!found) throw new UsageError(`knows no cgroup ${text}; see the field cgroup, or ls -di ${root}/…`);
    return found;
  }
  const path = isAbsolute(text) && text.startsWith(root) ? text : join(root, text);
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory())
    throw new UsageError(`wants a cgroup's path below ${root} or its id, not "${text}"`);
  return path;
}

/** A cgroup's id is the inode number of its folder. */
function folderOf(id: bigint, folder: string): string | undefined {
  if (statSync(folder, { bigint: true, throwIfNoEntry: false })?.ino === id) return folder;
  let entries: string[] = [];
  try {
    entries = readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? join(folder, entry.name) : [],
    );
  } catch {} // removed meanwhile, or closed to us
  for (const entry of entries) {
    const found = folderOf(id, entry);
    if (found) return found;
  }
  return undefined;
}

const initialPidNamespace = 'pid:[4026531836]'; // PROC_PID_INIT_INO

/** Whether this process counts processes otherwise than the kernel does: it is in a container, say. */
export const ownPids = () => readlinkSync('/proc/self/ns/pid') !== initialPidNamespace;

/** The numbers of processes, as the kernel counts them, which can only be looked up if this process counts so too. */
export function pids(text: string): number[] {
  const wanted = list(id)(text);
  if (ownPids()) return wanted;
  for (const pid of wanted) {
    if (!exists(pid)) throw new UsageError(`names process ${pid}, which does not exist`);
    const process = processOf(pid);
    if (process !== pid) throw new UsageError(`names ${pid}, a thread of process ${process}; name that`);
  }
  return wanted;
}

function exists(pid: number): boolean {
  try {
    return pid > 0 && pid <= pidMax && process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The process that a thread belongs to; the thread's own number if /proc hides it. */
function processOf(thread: number): number {
  try {
    return Number(/^Tgid:\t(\d+)$/m.exec(readFileSync(`/proc/${thread}/status`, 'utf8'))?.[1]);
  } catch {
    return thread;
  }
}

const pidMax = 4_194_304; // inode numbers of namespaces are far above
const nsfs = 0x6e736673; // NSFS_MAGIC

/**
 * A network namespace's inode number, from that, from a process in it, from its name in /run/netns, or from a path. A
 * number that can be a process's is one.
 */
export function netns(text: string): number {
  if (/^\d{1,10}$/.test(text) && Number(text) > pidMax && Number(text) <= 0xffffffff) return Number(text);
  const path = /^\d+$/.test(text) ? `/proc/${text}/ns/net` : text.includes('/') ? text : `/run/netns/${text}`;
  try {
    // The type of file system first: only what is a namespace is opened.
    const inode = statfsSync(path).type === nsfs ? loadAddon().networkNamespace(path) : undefined;
    if (inode !== undefined) return inode;
  } catch (error) {
    if (error instanceof RuntimeError) throw error;
    throw new UsageError(`names no process, network namespace or inode number: cannot read ${path}: ${cause(error)}`);
  }
  throw new UsageError(`names ${path}, which is not a network namespace; see ip netns and lsns -t net`);
}
