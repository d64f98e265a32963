/**
 * A buffer for bytes, and the records of the lines in it: `table` has `recordWords` words for each line, in the layout of
 * record.layout.ts.
 */
export interface Scanner {
  readonly buffer: Buffer;
  readonly table: Int32Array;
  /**
   * Scans the lines in buffer[from..to), which ends with a newline. Returns how many lines now have a record, starting at
   * table[first]: all, or as many as fit.
   */
  scan(from: number, to: number): number;
  readonly first: number;
  /** Returns whether lines can be scanned ahead, by another thread. */
  ahead(): boolean;
  /** Offers the lines in buffer[from..to) to be scanned ahead. `scan` must then be called for all offered lines, in order. */
  offer(from: number, to: number): void;
  /** Ends the other thread, if there is one. */
  close(): void;
  /**
   * Calls a kernel's function (kernel.h) with `lines` lines at table[record…]. Returns how many lines it has processed, from
   * the first; 0 if there is no WebAssembly, or no room for its memory.
   */
  run(name: string, record: number, lines: number, memory: KernelMemory): number;
  /** 16 words passed to and from a kernel. */
  readonly registers: Int32Array;
  /** What a kernel has written. It is valid until the next call. */
  readonly output: Buffer;
  /** Packs `lines` lines at table[record…] one after the other at `to`, a lower place. Returns the end. */
  pack(record: number, lines: number, to: number): number;
}

/** What the functions of a kernel share with JavaScript, in addition to records and lines. */
export interface KernelMemory {
  /** How much memory it needs. */
  readonly bytes: number;
  /** Called before a scanner's first run with this memory: it is at `offset`, a multiple of 16, and all zeros. */
  use(memory: ArrayBuffer, offset: number): void;
}
