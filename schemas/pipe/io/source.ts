import { fstatSync, openSync, type Stats, statSync } from 'node:fs';
import { isatty } from 'node:tty';
import { cause, RuntimeError, remedy } from '../messages/errors.js';
import type { Input } from '../run/pipeline-runner.js';
import { FdReader, isPipe, isTerminal } from './fd.js';

/** Where this process's events come from. */
export interface Source extends Input {
  /** Another process feeds it, and is told of Ctrl-C too. */
  readonly piped: boolean;
  /** It is the terminal of whoever reads the messages: events would have to be typed. */
  readonly typed?: boolean;
  /** Its length in bytes, where it is a regular file. */
  size?(): number | undefined;
  /** Ends the read that is under way, with -1, and all later ones. */
  leave(): void;
  /** Frees what a read that was left still holds. Returns whether that could be done: else only a signal ends the process. */
  release(): Promise<boolean>;
  /** The first signal that asks for the end: its input ends now. */
  asked?(): void;
  /** How many events it holds. */
  held?(): number;
  /** All is over. `well`: all that was read has gone where it belongs. */
  end?(well: boolean): Promise<void>;
}

export function stdin(): Source {
  const reader = new FdReader(0);
  return {
    piped: isPipe(0),
    isFile: sizeOf(() => fstatSync(0)) !== undefined,
    typed: [0, 2].every(isTerminal) && [0, 2].every((fd) => isatty(fd)),
    size: () => sizeOf(() => fstatSync(0)),
    leave: () => reader.leave(),
    release: () => reader.release(),
    now: (into) => reader.now(into),
    async read(into) {
      try {
        return await reader.read(into);
      } catch (error) {
        throw new RuntimeError(`cannot read standard input: ${cause(error)}; ${remedy(error)}`);
      }
    },
  };
}

/** A file's bytes. It is opened at the first read, and closed at the end. */
export function file(path: string): Source {
  let reader: FdReader | undefined;
  let over: 0 | -1 | undefined;
  const close = (how: 0 | -1) => {
    over ??= how;
    reader?.leave();
    void reader?.close();
    reader = undefined;
  };
  return {
    piped: false,
    isFile: true,
    size: () => sizeOf(() => statSync(path)),
    leave: () => close(-1),
    release: async () => true,
    now(into) {
      const bytes = reader?.now(into);
      if (bytes === 0) close(0);
      return bytes;
    },
    async read(into) {
      if (over !== undefined) return over;
      try {
        reader ??= new FdReader(openSync(path, 'r'));
        const bytes = await reader.read(into);
        if (bytes === 0) close(0);
        return bytes;
      } catch (error) {
        throw new RuntimeError(`cannot read ${path}: ${cause(error)}; ${remedy(error)}`);
      }
    },
  };
}

function sizeOf(stat: () => Stats): number | undefined {
  try {
    const found = stat();
    return found.isFile() ? found.size : undefined;
  } catch {
    return undefined; // the read tells
  }
}
