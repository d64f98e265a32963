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
  if (isClosed(1)) throw new RuntimeError('cannot write standard output: EBADF; redirect it instead of closing it');
}

/** Throws RuntimeError if this process was started without standard input (`<&-`). Node would read an empty input. */
export function checkInput(): void {
  if (isClosed(0)) throw new RuntimeError('cannot read standard input: EBADF; redirect it instead of closing it');
}

function isClosed(fd: number): boolean {
  try {
    return isOpenedByNode(fd) && shellClosed(process.ppid, fd);
  } catch {
    return false; // not known
  }
}

function isOpenedByNode(fd: number): boolean {
  if (!isMemory(fstatSync(fd)) || readlinkSync(`/proc/self/fd/${fd}`) !== '/dev/null') return false;
  const [, flags = '0'] = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')) ?? [];
  return (Number.parseInt(flags, 8) & 3) === constants.O_RDWR;
}

/**
 * Looks at the parent processes for the first whose stream is not /dev/null. Returns whether it is a shell, or has no such
 * stream at all: dash closes its own output while the command runs. Programs such as env and sudo pass theirs on.
 */
function shellClosed(parent: number, fd: number): boolean {
  for (let pid = parent; pid > 1; ) {
    const [, name = '', above] = /^\d+ \((.*)\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    const stream = streamOf(pid, fd);
    if (stream !== '/dev/null') return stream === undefined || shells.test(name);
    pid = Number(above);
  }
  return false;
}

/** Returns what a standard stream of a process is; undefined if it is closed. Throws if this process may not see it. */
function streamOf(pid: number, fd: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
