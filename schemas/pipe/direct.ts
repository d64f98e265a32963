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

/** Whether reads and writes of it never wait for another process. */
const waitless = (stat: Stats) => stat.isFile() || (stat.isCharacterDevice() && stat.rdev >> 8 === memoryDevices);

/**
 * The same pipe opened once more, non-blocking: to make the fd itself so would do it for all who share it. Undefined where
 * that cannot be.
 */
function nonBlocking(fd: number, access: number): number | undefined {
  try {
    return openSync(`/proc/self/fd/${fd}`, access | constants.O_NONBLOCK);
  } catch {
    return undefined; // the pipe of another user
  }
}

/** Reads what is there already, from a file, or a pipe that is busy. */
export class DirectReader {
  #fd: number | undefined;
  #isNew = true;
  #isPipe = false;
  #inTurn = 0;

  constructor(private readonly fd: number) {}

  /** Tells what a read that waited gave. */
  waited(bytes: number): void {
    if (bytes < busy) return;
    if (this.#isPipe) this.#fd = nonBlocking(this.fd, constants.O_RDONLY);
    this.#isPipe = false;
    this.#inTurn = this.#fd === undefined ? 0 : readsInTurn;
  }

  /** Bytes read, 0 at the end; undefined where a read may have to wait, or others should have their turn. */
  read(into: Buffer): number | undefined {
    const bytes = this.now(into);
    if (bytes !== undefined) this.#inTurn--;
    return bytes;
  }

  /** The same for one who sees to the turns of others himself. */
  now(into: Buffer): number | undefined {
    if (this.#isNew) this.#look();
    if (this.#inTurn === 0) return undefined;
    try {
      return readSync(this.#fd as number, into);
    } catch {
      this.#inTurn = 0; // nothing there yet; and what is wrong with the fd, the next read tells
      return undefined;
    }
  }

  #look(): void {
    this.#isNew = false;
    try {
      const stat = fstatSync(this.fd);
      this.#isPipe = stat.isFIFO();
      if (!waitless(stat)) return;
      this.#fd = this.fd;
      this.#inTurn = readsInTurn;
    } catch {} // the next read tells
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

function direct(fd: number): number | undefined {
  const stat = fstatSync(fd);
  if (waitless(stat)) return fd;
  return stat.isFIFO() ? nonBlocking(fd, constants.O_WRONLY) : undefined;
}

/**
 * Writes to standard output what needs no waiting, and says how much that was. What fails, fails again with the next
 * write. Other fds do not stay open as long as the process, and a reader would wait for the second one to be closed too.
 */
export function writeNow(fd: number, bytes: Buffer): number {
  if (fd !== standardOutput || bytes.length < busy) return 0; // few events: no thread is that slow
  try {
    output ??= { direct: direct(fd) };
    return output.direct === undefined ? 0 : writeSync(output.direct, bytes);
  } catch {
    return 0;
  }
}
