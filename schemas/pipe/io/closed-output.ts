import { constants, fstatSync, readFileSync, readlinkSync } from 'node:fs';
import { RuntimeError } from '../messages/errors.js';
import { isMemory } from './direct.js';

const shells = /^(ba|da|z|k|mk|pdk|a|fi)?sh$|^busybox$/;

/**
 * Throws RuntimeError if this process was started without standard output (`>&-`). Node then opens /dev/null in its place,
 * for reading and writing, and every write succeeds. A program that discards the output of its children may open /dev/null
 * in the same way, but shells do not. So the output counts as closed only if a shell started this process. This misses
 * `bash -c 'filter >&-'`, where the shell process becomes the command.
 */
export function checkOutput(): void {
  try {
    if (!isOpenedByNode(1) || !shellClosed(process.ppid)) return;
  } catch {
    return; // not known
  }
  throw new RuntimeError('cannot write standard output: EBADF; redirect it instead of closing it');
}

function isOpenedByNode(fd: number): boolean {
  if (!isMemory(fstatSync(fd)) || readlinkSync(`/proc/self/fd/${fd}`) !== '/dev/null') return false;
  const [, flags = '0'] = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')) ?? [];
  return (Number.parseInt(flags, 8) & 3) === constants.O_RDWR;
}

/**
 * Looks at the parent processes for the first whose output is not /dev/null. Returns whether it is a shell, or has no output
 * at all: dash closes its own output while the command runs. Programs such as env and sudo pass theirs on.
 */
function shellClosed(parent: number): boolean {
  for (let pid = parent; pid > 1; ) {
    const [, name = '', above] = /^\d+ \((.*)\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    const output = outputOf(pid);
    if (output !== '/dev/null') return output === undefined || shells.test(name);
    pid = Number(above);
  }
  return false;
}

/** Returns what standard output of a process is; undefined if it is closed. Throws if this process may not see it. */
function outputOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/fd/1`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
