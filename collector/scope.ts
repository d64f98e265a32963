/** Parses the values of --pid, --uid, --cgroup and --netns into what the kernel side compares. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { namespaceInode } from '../schemas/pipe/command/namespaces.js';
import { integer, list } from '../schemas/pipe/command/options.js';
import { cgroup2, ownPids } from '../schemas/pipe/io/machine.js';
import { invalidValue } from '../schemas/pipe/messages/errors.js';
import { loadAddon } from './addon.js';

const id = integer(0, 4294967295);

/** Returns a cgroup's folder, given its path (absolute, or as in /proc/PID/cgroup) or its id. */
export function cgroup(text: string): string {
  const root = cgroup2();
  if (root === undefined)
    throw invalidValue(text, 'cgroup v2 is not mounted; run mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified');
  if (/^\d+$/.test(text)) {
    const found = folderOf(BigInt(text), root);
    if (!found) throw invalidValue(text, `no cgroup has this id; see the field cgroup, or ls -di ${root}/…`);
    return found;
  }
  const path = isAbsolute(text) && text.startsWith(root) ? text : join(root, text);
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory())
    throw invalidValue(text, `use a cgroup's path below ${root} or its id`);
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

/**
 * Parses process numbers, as the kernel numbers processes. They are checked only if this process sees the same numbers.
 */
export function pids(text: string): number[] {
  const [name] = text.split(',').filter((part) => /^[a-z][\w-]*$/i.test(part));
  if (name) throw invalidValue(name, `use process numbers; for programs by name, use filter --pcomm ${name}`);
  const wanted = list(id)(text);
  if (ownPids()) return wanted;
  for (const pid of wanted) {
    if (!exists(pid)) throw invalidValue(`${pid}`, 'no process has this number; see ps -e');
    const process = processOf(pid);
    if (process !== pid) throw invalidValue(`${pid}`, `it is a thread of process ${process}; use ${process}`);
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

const pidMax = 4_194_304;

/** Parses the value of --netns. */
export const netns = (text: string): number => namespaceInode(text, (path) => loadAddon().networkNamespace(path));
