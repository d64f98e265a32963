import { closeSync, constants, fstatSync, openSync, readSync, type Stats, writeSync } from 'node:fs';

/**
 * Reads and writes that need not wait go straight to the kernel: through a thread, as asynchronous ones go, each costs
 * as much as the lines of a whole pipe do.
 */

/** After so many reads without waiting the rest of the process, signals and timers, has its turn. */
const readsInTurn = 16;
/** A read of so much shows that the input is busy, and that there may be more already. */
const busy = 1 << 14;
/** The major number of devices that are none: /dev/null, /dev/zero, /dev/full. */
const memoryDevices = 1;

/**
 * An fd for the same which never waits for another process; undefined where there is none. A pipe is opened once more for
 * that: to make the fd itself non-blocking would do so for all who share it.
 */
function withoutWaiting(fd: number, stat: Stats, access: number): number | undefined {
  if (stat.isFile() || (stat.isCharacterDevice() && stat.rdev >> 8 === memoryDevices)) return fd;
  try {
    return stat.isFIFO() ? openSync(`/proc/self/fd/${fd}`, access | constants.O_NONBLOCK) : undefined;
  } catch {
    return undefined; // the pipe of another user
  }
}

/** Reads from a busy file or pipe what is there already. */
export class DirectReader {
  #fd: number | undefined;
  #opened = false;
  #inTurn = 0;

  constructor(private readonly fd: number) {}

  /** Tells what a read that waited gave. */
  waited(bytes: number): void {
    if (bytes < busy) return;
    if (!this.#opened) this.#fd = withoutWaiting(this.fd, fstatSync(this.fd), constants.O_RDONLY);
    this.#opened = true;
    this.#inTurn = this.#fd === undefined ? 0 : readsInTurn;
  }

  /** Bytes read, 0 at the end; undefined where a read may have to wait. */
  read(into: Buffer): number | undefined {
    if (this.#inTurn === 0) return undefined;
    this.#inTurn--;
    try {
      return readSync(this.#fd as number, into);
    } catch {
      this.#inTurn = 0; // nothing there yet; and what is wrong with the fd, the next read tells
      return undefined;
    }
  }

  /** Call before the fd itself is closed. */
  close(): void {
    this.#inTurn = 0;
    if (this.#fd !== undefined && this.#fd !== this.fd) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

const standardOutput = 1;
let output: { direct: number | undefined } | undefined;

/**
 * Writes to standard output what needs no waiting, and says how much that was. What fails, fails again with the next
 * write. Other fds do not stay open as long as the process, and a reader would wait for the second one to be closed too.
 */
export function writeNow(fd: number, bytes: Buffer): number {
  if (fd !== standardOutput || bytes.length < busy) return 0; // few events: no thread is that slow
  try {
    output ??= { direct: withoutWaiting(fd, fstatSync(fd), constants.O_WRONLY) };
    return output.direct === undefined ? 0 : writeSync(output.direct, bytes);
  } catch {
    return 0;
  }
}
