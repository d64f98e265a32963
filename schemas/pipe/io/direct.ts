import { closeSync, constants, fstatSync, openSync, readSync, type Stats, writeSync } from 'node:fs';
import { grow } from './grow.js';

/**
 * Direct system calls for reads and writes that need not wait. An asynchronous call goes through a thread, and costs as much
 * time as processing all the lines that a pipe holds.
 */

/** After this many reads without waiting, signals and timers get a turn. */
const readsInTurn = 16;
/** A read of this many bytes shows that the input is busy, and more may be available. */
const busy = 1 << 14;
/** A pipe that returned this many bytes may have been full: it holds twice that at first, but lines do not fill its pages. */
const full = 1 << 15;
/** Whether it is a memory device such as /dev/null, /dev/zero or /dev/full, by its major number. */
export const isMemory = (stat: Stats) => stat.isCharacterDevice() && stat.rdev >> 8 === 1;

/** Whether reads and writes never wait for another process. */
const waitless = (stat: Stats) => stat.isFile() || isMemory(stat);

/**
 * Opens the same pipe again, non-blocking. Setting that on the fd itself would affect every process that shares it. Returns
 * undefined if it cannot be opened.
 */
function nonBlocking(fd: number, access: number): number | undefined {
  try {
    return openSync(`/proc/self/fd/${fd}`, access | constants.O_NONBLOCK);
  } catch {
    return undefined; // another user's pipe
  }
}

/** Reads what is available from a file, or from a busy pipe. */
export class DirectReader {
  #fd: number | undefined;
  #isNew = true;
  #isPipe = false;
  #mayGrow = false;
  #inTurn = 0;

  constructor(private readonly fd: number) {}

  /** Notes how many bytes a waiting read has returned. */
  waited(bytes: number): void {
    if (bytes < busy) return;
    this.#grow(bytes);
    if (this.#isPipe) this.#fd = nonBlocking(this.fd, constants.O_RDONLY);
    this.#isPipe = false;
    this.#inTurn = this.#fd === undefined ? 0 : readsInTurn;
  }

  /** Returns the bytes read, 0 at the end; undefined if a read may have to wait, or others should get a turn. */
  read(into: Buffer): number | undefined {
    const bytes = this.now(into);
    if (bytes !== undefined) this.#inTurn--;
    return bytes;
  }

  /** The same, for a caller that gives others their turns itself. */
  now(into: Buffer): number | undefined {
    if (this.#isNew) this.#look();
    if (this.#inTurn === 0) return undefined;
    try {
      const bytes = readSync(this.#fd as number, into);
      this.#grow(bytes);
      return bytes;
    } catch {
      this.#inTurn = 0; // nothing available yet; if the fd is broken, the next read reports it
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
    } catch {} // the next read reports it
  }

  /** Enlarges a pipe that was full, once. */
  #grow(bytes: number): void {
    if (!this.#mayGrow || bytes < full) return;
    this.#mayGrow = false;
    grow(this.fd);
  }

  /** Call this before the fd itself is closed. */
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
 * Writes to standard output what needs no waiting, and returns the number of bytes. Enlarges a full pipe once. Errors are
 * ignored: the next write meets them again. This is for standard output only: other fds are closed before the process ends,
 * and their readers would wait for the second fd to be closed too.
 */
export function writeNow(fd: number, bytes: Buffer): number {
  if (fd !== standardOutput || bytes.length < busy) return 0; // for few events a thread is fast enough
  output ??= opened(fd);
  if (output?.direct === undefined) return 0;
  const written = tryWrite(output.direct, bytes);
  if (written === bytes.length || !output.mayGrow) return written;
  output.mayGrow = false;
  return grow(fd) ? written + tryWrite(output.direct, bytes.subarray(written)) : written;
}
