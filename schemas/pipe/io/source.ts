import type { Input, Place } from './input.js';

/** Where the events of this process come from. */
export interface Source extends Input {
  /** Whether another process writes the input, and gets Ctrl-C too. */
  readonly piped: boolean;
  /** Whether standard input is the only input, and it and stderr are terminals: no events arrive unless somebody types them. */
  readonly typed?: boolean;
  /** What the run exits with at least: 1 if a part of the input could not be read, or the status of the command that wrote it. */
  readonly exitCode?: number;
  /** Returns where the line with this number is. Without this, the input is one file. */
  place?(line: number): Place;
  /** Returns the size in bytes of regular files. */
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
