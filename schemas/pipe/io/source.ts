import { fstatSync, openSync, type Stats, statSync } from 'node:fs';
import { isatty } from 'node:tty';
import { cause, RuntimeError, remedy } from '../messages/errors.js';
import { FdReader, isPipe, isTerminal } from './fd.js';
import type { Input } from './input.js';

/** Where the events of this process come from. */
export interface Source extends Input {
  /** Whether another process writes the input, and gets Ctrl-C too. */
  readonly piped: boolean;
  /** Whether the input is the terminal that also shows the messages: then somebody would have to type the events. */
  readonly typed?: boolean;
  /** Returns the size in bytes of a regular file. */
  size?(): number | undefined;
  /** Ends the current read and all later ones with -1. */
  leave(): void;
  /** Frees what an abandoned read still holds. Returns whether that worked; if not, only a signal ends the process. */
  release(): Promise<boolean>;
  /** The first SIGINT, SIGTERM or SIGHUP has arrived: ends its input now. */
  asked?(): void;
  /** Returns how many events it holds. */
  held?(): number;
  /** Called at the end of the run. `succeeded`: everything that was read has been processed. */
  end?(succeeded: boolean): Promise<void>;
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

/** Returns a source that reads a file. It opens the file at the first read, and closes it at the end. */
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
    return undefined; // the next read reports the error
  }
}
