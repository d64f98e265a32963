import { closeSync, constants, fstatSync, openSync, read, write, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { DirectReader, isMemory, writeNow } from './direct.js';

const writeFd = promisify(write);

/** Waits after EAGAIN: another process may have made fd 0 or 1 non-blocking. */
const pause = (tries: number) => new Promise((resolve) => setTimeout(resolve, Math.min(tries, 10)));

/** Whether the fd is a pipe or a socket, with another process at the other end. */
export function isPipe(fd: number): boolean {
  const kind = kindOf(fd);
  return kind === constants.S_IFIFO || kind === constants.S_IFSOCK;
}

/** Returns the file type of the fd, an S_IF… constant; undefined if it is closed. */
function kindOf(fd: number): number | undefined {
  try {
    return fstatSync(fd).mode & constants.S_IFMT;
  } catch {
    return undefined;
  }
}

/** Whether the fd may be a terminal. Like `tty.isatty()`, but loads no module, and is also true for some other devices. */
export function isTerminal(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    return stat.isCharacterDevice() && !isMemory(stat);
  } catch {
    return false;
  }
}

/** Closes standard streams whose terminal is gone: Node resets terminals at exit, and aborts if it cannot. */
export function leaveTerminals(): void {
  for (const fd of [0, 1, 2].filter(isTerminal)) {
    try {
      writeSync(fd, Buffer.alloc(0));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EIO') closeSync(fd);
    }
  }
}

/** The readers whose thread waits for input. */
const waiting = new Set<FdReader>();

/** Frees threads that wait for input when a bug ends the process: Node waits for its threads. */
export function leaveReads(): void {
  for (const reader of waiting) if (!reader.free()) process.kill(process.pid, 'SIGKILL');
}

/** Reads in large chunks, faster than a stream; asynchronously if a read may have to wait. A waiting read can be abandoned. */
export class FdReader {
  #leave: (() => void) | undefined;
  #left = false;
  #blocked: Promise<unknown> | undefined;

  readonly #direct: DirectReader;

  constructor(private readonly fd: number) {
    this.#direct = new DirectReader(fd);
  }

  /** Returns bytes that are available, 0 at the end of input; undefined if that is not known without waiting. */
  now(into: Buffer): number | undefined {
    return this.#left ? undefined : this.#direct.now(into);
  }

  /** Resolves to the bytes read, 0 at the end of input, -1 after `leave()`. */
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
            waiting.add(this);
            read(this.fd, into, 0, into.length, null, (error, bytes) => {
              waiting.delete(this);
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

  /** Ends the current read and all later ones. The thread stays blocked until `release`, or until a signal kills the process. */
  leave(): void {
    this.#left = true;
    this.#leave?.();
  }

  /** Closes the fd once the current read is done. */
  async close(): Promise<void> {
    await this.#blocked;
    this.#direct.close();
    closeSync(this.fd);
  }

  /**
   * Frees the thread of an abandoned read. For a pipe, writes an empty line into it; a read from a file ends by itself; for a
   * socket it is not possible. Returns whether no thread is left.
   */
  async release(): Promise<boolean> {
    if (!this.free()) return false;
    const kind = kindOf(this.fd);
    const patience = kind === constants.S_IFIFO || kind === constants.S_IFREG ? 1_000 : 0;
    const timer = new Promise((resolve) => setTimeout(resolve, patience, 'late').unref());
    return (await Promise.race([this.#blocked, timer])) !== 'late';
  }

  /** Does what `release` does, but does not wait for the thread. Returns whether it will be freed. */
  free(): boolean {
    if (!waiting.has(this)) return true;
    const kind = kindOf(this.fd);
    return kind !== constants.S_IFSOCK && (kind !== constants.S_IFIFO || this.#wake());
  }

  /** Writes an empty line into the pipe. Returns whether that worked: not for another user's pipe. */
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

/** Formats as `1 line`, `2 lines`. */
export function counted(lines: number): string {
  return `${lines} ${lines === 1 ? 'line' : 'lines'}`;
}

/** Returns the number of complete lines in these bytes. */
export function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines++;
  return lines;
}

/** A socket gives this once, instead of EPIPE, if its reader is gone and has not read everything. */
const leftUnread = 'ECONNRESET';

/** Writes all bytes to a regular file, which never waits for another process. An error has the bytes written in `written`. */
export function writeFile(fd: number, bytes: Buffer): void {
  for (let written = 0; written < bytes.length; ) {
    try {
      written += writeSync(fd, bytes, written);
    } catch (error) {
      throw Object.assign(error as Error, { written });
    }
  }
}

/** Writes all bytes. An error has the bytes written in `written`; its code is EPIPE if the reader is gone. */
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
