/** The command line is wrong. Exit code 2. */
export class UsageError extends Error {
  override readonly name: string = 'UsageError';
}

/** Returns the error for an invalid value. The name of the option is put in front: `invalid --report "x": use …`. */
export const invalidValue = (text: string, remedy: string) => new UsageError(`"${text}": ${remedy}`);

/** Returns the error for two options or arguments that exclude each other. */
export const conflict = (one: string, other: string, { remedy = 'leave one out', reason = '' } = {}) =>
  new UsageError(`${one} and ${other} cannot be combined${reason && `: ${reason}`}; ${remedy}`);

/** Returns the error for an option that has no effect without another. */
export const needs = (option: string, other: string) =>
  new UsageError(`${option} needs ${other}; add it, or leave out ${option}`);

/** An expression on the command line is wrong. The message starts with the place in it: `column 14: …`. */
export class ExpressionError extends UsageError {}

/** The command could not do its work. Exit code 1. The message gives cause and remedy. */
export class RuntimeError extends Error {
  override readonly name: string = 'RuntimeError';
}

/** Returns the code of a failed system call, such as `ENOSPC`, or else the error's message. */
export function cause(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message ?? String(error);
}

/** A failure other than that of a system call, with what to do about it. */
export class ErrorWithRemedy extends Error {
  constructor(
    message: string,
    readonly remedy: string,
  ) {
    super(message);
  }
}

/** Returns what to do about a failed system call. */
export function remedy(error: unknown): string {
  if (error instanceof ErrorWithRemedy) return error.remedy;
  const known: Record<string, string> = {
    ENOSPC: 'free some space',
    EDQUOT: 'free some space',
    EIO: "check the disk and the kernel's log",
    EEXIST: 'a file is in the place of a folder; choose another path',
    EISDIR: 'name a file, not a folder',
    ENOENT: 'check the path',
    ENOTDIR: 'check the path',
    ELOOP: 'remove the symbolic link',
    EACCES: 'check the permissions',
    EPERM: 'check the permissions',
    EROFS: 'choose a writable location',
    EFBIG: 'raise the file size limit (ulimit -f)',
    EBADF: 'redirect it instead of closing it',
    EAGAIN: 'raise the limit of processes: ulimit -u, or pids.max of its cgroup', // from starting a process or a thread
    ENOMEM: 'free some memory, or raise the memory limit',
    EMFILE: 'raise the limit of open files (ulimit -n)',
    EADDRINUSE: 'choose another port',
    EADDRNOTAVAIL: 'choose an address of this machine',
  };
  return known[(error as NodeJS.ErrnoException).code ?? ''] ?? 'see errno(3)';
}
