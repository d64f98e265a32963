import { constants, fstatSync, readFileSync, readlinkSync } from 'node:fs';
import { RuntimeError } from '../messages/errors.js';
import { isMemory } from './direct.js';

const shells = /^(ba|da|z|k|mk|pdk|a|fi)?sh$|^busybox$/;

/**
 * Throws RuntimeError if this process was started without standard output (`>&-`). Node then opens /dev/null in its place,
 * for reading and writing, and every write succeeds. Programs that discard the output of their children may do the same,
 * but no shell does: so it counts as closed only if a shell has started this process. Not seen: `bash -c 'filter >&-'`, where
 * the shell becomes the command.
 */
export function checkOutput(): void {
  try {
    if (!isOpenedByNode(1) || !shellClosed(process.ppid)) return;
  } catch {
    return; // it cannot be told
  }
  throw new RuntimeError('cannot write standard output: EBADF; open it in the shell');
}

function isOpenedByNode(fd: number): boolean {
  if (!isMemory(fstatSync(fd)) || readlinkSync(`/proc/self/fd/${fd}`) !== '/dev/null') return false;
  const [, flags = '0'] = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')) ?? [];
  return (Number.parseInt(flags, 8) & 3) === constants.O_RDWR;
}

/**
 * Whether the first process above this one that has another output is a shell, or one has none: dash closes its own for as
 * long as the command runs, and env and sudo pass theirs on.
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

/** Undefined if it is closed. Throws if the process may not be looked at. */
function outputOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/fd/1`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
