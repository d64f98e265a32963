/** The command line is wrong: exit code 2. */
export class UsageError extends Error {}

/** The same of a text with an inside: the message begins with the place, `column 14: …`. */
export class ExpressionError extends UsageError {}

/** The work could not be done: exit code 1. The message gives cause and remedy. */
export class RuntimeError extends Error {}

/** `ENOSPC` of a failed system call, else the error's own words. */
export function cause(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message ?? String(error);
}

/** A failure that is not a system call's, with what to do about it. */
export class ErrorWithRemedy extends Error {
  constructor(
    message: string,
    readonly remedy: string,
  ) {
    super(message);
  }
}

/** What to do about a failed read or write. */
export function remedy(error: unknown): string {
  if (error instanceof ErrorWithRemedy) return error.remedy;
  const known: Record<string, string> = {
    ENOSPC: 'free some space',
    EDQUOT: 'free some space',
    EIO: "check the disk and the kernel's log",
    EEXIST: 'a file is where a folder should be; choose another path',
    EISDIR: 'name a file, not a folder',
    ENOENT: 'check the path',
    ENOTDIR: 'check the path',
    ELOOP: 'remove the symbolic link',
    EACCES: 'check the permissions',
    EPERM: 'check the permissions',
    EROFS: 'choose a place that can be written',
    EFBIG: 'raise the file size limit (ulimit -f)',
    EBADF: 'open it in the shell',
    EAGAIN: 'raise the limit of processes: ulimit -u, or pids.max of its cgroup', // of starting one, or a thread
    ENOMEM: 'free some memory, or raise the memory limit',
    EMFILE: 'raise the limit of open files (ulimit -n)',
    EADDRINUSE: 'choose another port',
    EADDRNOTAVAIL: 'choose an address of this machine',
  };
  return known[(error as NodeJS.ErrnoException).code ?? ''] ?? 'see errno(3)';
}
