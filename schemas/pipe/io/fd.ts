import { closeSync, constants, fstatSync, openSync, read, write, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { DirectReader, isMemory, writeNow } from './direct.js';

const writeFd = promisify(write);

/** Waits out an EAGAIN: fd 0 or 1 may be non-blocking because some other process made it so. */
const pause = (tries: number) => new Promise((resolve) => setTimeout(resolve, Math.min(tries, 10)));

/** Whether the fd is a pipe or a socket: something that another process feeds or reads. */
export function isPipe(fd: number): boolean {
  const kind = kindOf(fd);
  return kind === constants.S_IFIFO || kind === constants.S_IFSOCK;
}

/** What the fd is, an S_IF… constant; undefined where it is closed. */
function kindOf(fd: number): number | undefined {
  try {
    return fstatSync(fd).mode & constants.S_IFMT;
  } catch {
    return undefined;
  }
}

/** Whether the fd may be a terminal; as `tty.isatty()`, but loads nothing. Also true of devices that are something else. */
export function isTerminal(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    return stat.isCharacterDevice() && !isMemory(stat);
  } catch {
    return false;
  }
}

/** Closes standard streams whose terminal has gone: Node resets terminals at its end, and aborts where it cannot. */
export function leaveTerminals(): void {
  for (const fd of [0, 1, 2].filter(isTerminal)) {
    try {
      writeSync(fd, Buffer.alloc(0));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EIO') closeSync(fd);
    }
  }
}

/** Large reads, asynchronous where they may have to wait, faster than a stream; a read that waits can be left. */
export class FdReader {
  #leave: (() => void) | undefined;
  #left = false;
  #blocked: Promise<unknown> | undefined;

  readonly #direct: DirectReader;

  constructor(private readonly fd: number) {
    this.#direct = new DirectReader(fd);
  }

  /** Bytes that are there already, 0 at the end of input; undefined where that cannot be told without waiting. */
  now(into: Buffer): number | undefined {
    return this.#left ? undefined : this.#direct.now(into);
  }

  /** Bytes read; 0 at the end of input; -1 after `leave()`. */
  async read(into: Buffer): Promise<number> {
    if (this.#left) return -1;
    const now = this.#direct.read(into);
    if (now !== undefined) return now;
    const bytes = await this.#wait(into);
    this.#direct.waited(bytes);
    return bytes;
  }

  async #wait(into: Buffer): Promise<number> {
    for (let tries = 1; !this.#left; tries++) {
      try {
        return await new Promise<number>((resolve, reject) => {
          this.#leave = () => resolve(-1);
          this.#blocked = new Promise((over) => {
            read(this.fd, into, 0, into.length, null, (error, bytes) => {
              over(undefined);
              if (error) reject(error);
              else resolve(bytes);
            });
          });
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

  /** Ends the read that is under way, and all later ones. Its thread stays blocked: `release` it, or die of a signal. */
  leave(): void {
    this.#left = true;
    this.#leave?.();
  }

  /** Closes the fd, once no read is under way. */
  async close(): Promise<void> {
    await this.#blocked;
    this.#direct.close();
    closeSync(this.fd);
  }

  /**
   * Frees the thread of the read that was left: where it waits at a pipe, by an empty line into that; a file's ends by
   * itself; a socket's cannot be freed. Returns whether no thread is left.
   */
  async release(): Promise<boolean> {
    const kind = kindOf(this.fd);
    if (kind === constants.S_IFSOCK || (kind === constants.S_IFIFO && !this.#wake())) return false;
    const patience = kind === constants.S_IFIFO || kind === constants.S_IFREG ? 1_000 : 0;
    const timer = new Promise((resolve) => setTimeout(resolve, patience, 'late').unref());
    return (await Promise.race([this.#blocked, timer])) !== 'late';
  }

  /** Whether that could be written: not into the pipe of another user. */
  #wake(): boolean {
    try {
      const own = openSync(`/proc/self/fd/${this.fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
      try {
        writeSync(own, '\n');
      } finally {
        closeSync(own);
      }
      return true;
    } catch {
      return false;
    }
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

/** What a socket says once, instead of EPIPE, when its reader has gone and did not read all that was there. */
const leftUnread = 'ECONNRESET';

/** Writes all the bytes to a regular file, which waits for no other process. On an error says in `written` how many were. */
export function writeFile(fd: number, bytes: Buffer): void {
  for (let written = 0; written < bytes.length; ) {
    try {
      written += writeSync(fd, bytes, written);
    } catch (error) {
      throw Object.assign(error as Error, { written });
    }
  }
}

/** Writes all the bytes. On an error says in `written` how many were; EPIPE where the reader has gone. */
export async function writeAll(fd: number, bytes: Buffer): Promise<void> {
  let written = writeNow(fd, bytes);
  for (let tries = 1; written < bytes.length; ) {
    try {
      written += (await writeFd(fd, bytes, written, bytes.length - written, null)).bytesWritten;
      tries = 1;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EAGAIN') throw Object.assign(error as Error, { written }, code === leftUnread && { code: 'EPIPE' });
      await pause(tries++);
    }
  }
}
