/** What this process inherited from its caller, and Node does not pass on to child processes or changes. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const closeOnExec = 0o2000000;

interface Open {
  fd: number;
  /** For example `/etc/hosts`, `pipe:[123]` or `anon_inode:[eventfd]`. */
  file: string;
  flags: number;
}

/**
 * Returns the caller's descriptors, from 3 on, that Node marked close-on-exec when it started. Call it early: a descriptor
 * opened later looks like the caller's. Node's own descriptors are recognized because they are of kinds that nobody passes on,
 * or pipes to itself.
 */
export function callersDescriptors(): number[] {
  const all = openFiles('self').filter(({ flags }) => flags & closeOnExec);
  const parents = new Set(openFiles(process.ppid).map(({ file }) => file));
  const ends = (pipe: string) => all.filter(({ file }) => file === pipe).length;
  return all
    .filter(({ fd, file }) => fd > 2 && !/^anon_inode:\[(eventfd|eventpoll|io_uring)\]$/.test(file))
    .filter(({ file }) => !file.startsWith('pipe:') || ends(file) === 1 || parents.has(file))
    .map(({ fd }) => fd);
}

function openFiles(pid: number | 'self'): Open[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((name) => {
      try {
        const file = readlinkSync(`/proc/${pid}/fd/${name}`);
        const [, flags = '0'] = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/fdinfo/${name}`, 'utf8')) ?? [];
        return { fd: Number(name), file, flags: Number.parseInt(flags, 8) };
      } catch {
        return []; // the descriptor of the folder itself, which is closed by now
      }
    });
  } catch {
    return []; // another user's process
  }
}

/** Returns the parent's soft limit of open files, for ulimit(1): Node has raised its own to the hard limit. */
export function callersOpenFiles(): string {
  const limits = (pid: number | 'self') =>
    /^Max open files\s+(\w+)\s+(\w+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.slice(1) ?? [];
  const [own = '', hard = ''] = limits('self');
  try {
    const [soft = own] = limits(process.ppid);
    return Number(soft) > Number(hard) ? hard : soft; // "unlimited" is greater than nothing
  } catch {
    return own; // the parent has ended, or belongs to another user
  }
}
