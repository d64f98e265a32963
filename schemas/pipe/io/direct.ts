import { closeSync, constants, fstatSync, openSync, readSync, type Stats, writeSync } from 'node:fs';
import { grow } from './grow.js';

/**
 * Reads and writes that need not wait go straight to the kernel: through a thread, as asynchronous ones go, each costs
 * as much as the lines of a whole pipe do.
 */

/** After so many reads without waiting the rest of the process, signals and timers, has its turn. */
const readsInTurn = 16;
/** A read of so much shows that the input is busy, and that there may be more already. */
const busy = 1 << 14;
/** A pipe that gave so much at once may have been full, if its lines did not fill its pages: at first it holds twice that. */
const full = 1 << 15;
/** Whether it is a device that is none: /dev/null, /dev/zero, /dev/full, by their major number. */
export const isMemory = (stat: Stats) => stat.isCharacterDevice() && stat.rdev >> 8 === 1;

/** Whether reads and writes of it never wait for another process. */
const waitless = (stat: Stats) => stat.isFile() || isMemory(stat);

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
  #mayGrow = false;
  #inTurn = 0;

  constructor(private readonly fd: number) {}

  /** Tells what a read that waited gave. */
  waited(bytes: number): void {
    if (bytes < busy) return;
    this.#grow(bytes);
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
      const bytes = readSync(this.#fd as number, into);
      this.#grow(bytes);
      return bytes;
    } catch {
      this.#inTurn = 0; // nothing there yet; and what is wrong with the fd, the next read tells
      return undefined;
    }
  }

  #look(): void {
    this.#isNew = false;
    try {
      const stat = fstatSync(this.fd);
      this.#isPipe = this.#mayGrow = stat.isFIFO();
      if (!waitless(stat)) return;
      this.#fd = this.fd;
      this.#inTurn = readsInTurn;
    } catch {} // the next read tells
  }

  /** Gives a pipe that was full more room, once. */
  #grow(bytes: number): void {
    if (!this.#mayGrow || bytes < full) return;
    this.#mayGrow = false;
    grow(this.fd);
  }

  /** Call before the fd itself is closed. */
  close(): void {
    this.#inTurn = 0;
    if (this.#fd !== undefined && this.#fd !== this.fd) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

const standardOutput = 1;
let output: { direct: number | undefined; mayGrow: boolean } | undefined;

function opened(fd: number): typeof output {
  try {
    const stat = fstatSync(fd);
    if (waitless(stat)) return { direct: fd, mayGrow: false };
    const isPipe = stat.isFIFO();
    return { direct: isPipe ? nonBlocking(fd, constants.O_WRONLY) : undefined, mayGrow: isPipe };
  } catch {
    return undefined;
  }
}

function tryWrite(fd: number, bytes: Buffer): number {
  try {
    return writeSync(fd, bytes);
  } catch {
    return 0;
  }
}

/**
 * Writes to standard output what needs no waiting, and says how much that was: a pipe that is full gets more room first,
 * once. What fails, fails again with the next write. Other fds do not stay open as long as the process, and a reader would
 * wait for the second one to be closed too.
 */
export function writeNow(fd: number, bytes: Buffer): number {
  if (fd !== standardOutput || bytes.length < busy) return 0; // few events: no thread is that slow
  output ??= opened(fd);
  if (output?.direct === undefined) return 0;
  const written = tryWrite(output.direct, bytes);
  if (written === bytes.length || !output.mayGrow) return written;
  output.mayGrow = false;
  return grow(fd) ? written + tryWrite(output.direct, bytes.subarray(written)) : written;
}
