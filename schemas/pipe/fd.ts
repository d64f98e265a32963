import { constants, fstatSync, openSync, read, readSync, write } from 'node:fs';
import { promisify } from 'node:util';

const writeFd = promisify(write);

/** Waits out an EAGAIN: fd 0 or 1 may be non-blocking because some other process made it so. */
const pause = (tries: number) => new Promise((resolve) => setTimeout(resolve, Math.min(tries, 10)));

/** Whether the fd is a pipe or a socket: something that another process feeds or reads. */
export function isPipe(fd: number): boolean {
  try {
    const { mode } = fstatSync(fd);
    const kind = mode & constants.S_IFMT;
    return kind === constants.S_IFIFO || kind === constants.S_IFSOCK;
  } catch {
    return false;
  }
}

/** After so many reads without waiting the rest of the process, signals and timers, has its turn. */
const readsInTurn = 16;
/** A read of so much shows that the input is busy, and that there may be more already. */
const busy = 1 << 14;

/**
 * Large reads, faster than a stream: without waiting while there is more already, else asynchronous. A read that waits
 * for input can be left.
 */
export class FdReader {
  #leave: (() => void) | undefined;
  #left = false;
  /** What can be read without waiting: the fd itself if it is a file, another way to the same pipe. */
  readonly #direct: number | undefined;
  #inTurn = 0;

  constructor(private readonly fd: number) {
    this.#direct = withoutWaiting(fd);
  }

  /** Bytes read; 0 at the end of input; -1 after `leave()`. */
  async read(into: Buffer): Promise<number> {
    if (this.#inTurn > 0 && !this.#left) {
      this.#inTurn--;
      try {
        return readSync(this.#direct as number, into);
      } catch {
        // Nothing there yet; and what is wrong with the fd, the next read tells.
      }
    }
    const bytes = await this.#wait(into);
    this.#inTurn = bytes >= busy && this.#direct !== undefined ? readsInTurn : 0;
    return bytes;
  }

  async #wait(into: Buffer): Promise<number> {
    for (let tries = 1; !this.#left; tries++) {
      try {
        return await new Promise<number>((resolve, reject) => {
          this.#leave = () => resolve(-1);
          read(this.fd, into, 0, into.length, null, (error, bytes) => (error ? reject(error) : resolve(bytes)));
        });
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'EOF') return 0;
        if (code !== 'EAGAIN') throw error;
        await pause(tries);
      }
    }
    return -1;
  }

  /** Ends the read that is under way, and all later ones. Its thread stays blocked, so leave the process by signal. */
  leave(): void {
    this.#left = true;
    this.#leave?.();
  }
}

/**
 * An fd to read from which never waits for another process; undefined where there is none. A pipe is opened once more for
 * that: to make fd 0 itself non-blocking would do so for all who share it.
 */
function withoutWaiting(fd: number): number | undefined {
  try {
    const stat = fstatSync(fd);
    if (stat.isFile()) return fd;
    return stat.isFIFO() ? openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY | constants.O_NONBLOCK) : undefined;
  } catch {
    return undefined;
  }
}

/** `1 line`, `2 lines`. */
export function counted(lines: number): string {
  return `${lines} ${lines === 1 ? 'line' : 'lines'}`;
}

/** How many whole lines these bytes hold. */
export function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines++;
  return lines;
}

/** Writes all the bytes. On an error says in `written` how many were. */
export async function writeAll(fd: number, bytes: Buffer): Promise<void> {
  let written = 0;
  for (let tries = 1; written < bytes.length; ) {
    try {
      written += (await writeFd(fd, bytes, written, bytes.length - written, null)).bytesWritten;
      tries = 1;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw Object.assign(error as Error, { written });
      await pause(tries++);
    }
  }
}
