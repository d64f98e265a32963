/** Parses the values of --pid, --uid, --cgroup and --netns into what the kernel side compares. */
import { readdirSync, readFileSync, readlinkSync, statfsSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { integer, list } from '../schemas/pipe/command/options.js';
import { cause, RuntimeError, UsageError } from '../schemas/pipe/messages/errors.js';
import { loadAddon } from './addon.js';
import { findUser } from './user.js';

const id = integer(0, 4294967295);

/** Returns a user's number, given the number or a name, which may be known only to LDAP or a similar service. */
export function uid(text: string): number {
  if (/^\d+$/.test(text)) return id(text);
  const found = findUser(text);
  if (!found) throw new UsageError(`needs the number or the name of a user, not "${text}"; see getent passwd`);
  return found.uid;
}

/** Returns where the cgroup2 hierarchy is mounted; undefined if it is not mounted. */
export function cgroup2(): string | undefined {
  const mount = /^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2 /m.exec(readFileSync('/proc/self/mountinfo', 'utf8'))?.[1];
  return mount?.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** Returns a cgroup's folder, given its path (absolute, or as in /proc/PID/cgroup) or its id. */
export function cgroup(text: string): string {
  const root = cgroup2();
  if (root === undefined)
    throw new UsageError('needs cgroup v2, which is not mounted; run mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified');
  if (/^\d+$/.test(text)) {
    const found = folderOf(BigInt(text), root);
    if (!found)
      throw new UsageError(`names cgroup ${text}, which does not exist; see the field cgroup, or ls -di ${root}/…`);
    return found;
  }
  const path = isAbsolute(text) && text.startsWith(root) ? text : join(root, text);
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory())
    throw new UsageError(`needs a cgroup's path below ${root} or its id, not "${text}"`);
  return path;
}

/** Finds a cgroup's folder by its id, which is the folder's inode number. */
function folderOf(id: bigint, folder: string): string | undefined {
  if (statSync(folder, { bigint: true, throwIfNoEntry: false })?.ino === id) return folder;
  let entries: string[] = [];
  try {
    entries = readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? join(folder, entry.name) : [],
    );
  } catch {} // removed in the meantime, or not readable for this user
  for (const entry of entries) {
    const found = folderOf(id, entry);
    if (found) return found;
  }
  return undefined;
}

const initialPidNamespace = 'pid:[4026531836]'; // PROC_PID_INIT_INO

/** Whether this process sees other process numbers than the kernel, for example because it is in a container. */
export const ownPids = () => readlinkSync('/proc/self/ns/pid') !== initialPidNamespace;

/**
 * Parses process numbers, as the kernel numbers processes. They are checked only if this process sees the same numbers.
 */
export function pids(text: string): number[] {
  const wanted = list(id)(text);
  if (ownPids()) return wanted;
  for (const pid of wanted) {
    if (!exists(pid)) throw new UsageError(`names process ${pid}, which does not exist`);
    const process = processOf(pid);
    if (process !== pid) throw new UsageError(`names ${pid}, a thread of process ${process}; give the process`);
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

/** Returns the process that a thread belongs to; the thread's own number if /proc hides it. */
function processOf(thread: number): number {
  try {
    return Number(/^Tgid:\t(\d+)$/m.exec(readFileSync(`/proc/${thread}/status`, 'utf8'))?.[1]);
  } catch {
    return thread;
  }
}

const pidMax = 4_194_304; // the inode numbers of namespaces are far above this
const nsfs = 0x6e736673; // NSFS_MAGIC

/**
 * Returns a network namespace's inode number, given that number, a process in it, its name in /run/netns, or a path. A number
 * that can be a process's is taken as one.
 */
export function netns(text: string): number {
  if (/^\d{1,10}$/.test(text) && Number(text) > pidMax && Number(text) <= 0xffffffff) return Number(text);
  const path = /^\d+$/.test(text) ? `/proc/${text}/ns/net` : text.includes('/') ? text : `/run/netns/${text}`;
  try {
    // Check the type of the file system first, so that nothing but a namespace is opened.
    const inode = statfsSync(path).type === nsfs ? loadAddon().networkNamespace(path) : undefined;
    if (inode !== undefined) return inode;
  } catch (error) {
    if (error instanceof RuntimeError) throw error;
    throw new UsageError(
      `needs a process, a network namespace or an inode number: cannot read ${path}: ${cause(error)}`,
    );
  }
  throw new UsageError(`names ${path}, which is not a network namespace; see ip netns and lsns -t net`);
}
