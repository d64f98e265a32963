/** A line in a file; without `file`, in the input as a whole. */
export interface Place {
  file?: string;
  line: number;
}

/** Where the bytes come from. A read returns the number of bytes; 0 is the end of input, -1 a stop before it. */
export interface Input {
  /** `lines` is how many lines of the input are processed. */
  read(into: Buffer, lines?: number): Promise<number>;
  /** Reads what is available now. Returns undefined if that is not known without waiting. */
  now?(into: Buffer): number | undefined;
  /** Whether it is a file: then no other process needs the CPU to produce the bytes. */
  readonly isFile?: boolean;
  /**
   * Tells the source that no stage holds anything from the first `reads` reads: it was dropped, or its output is written.
   * May be called while a read waits.
   */
  released?(reads: number): void;
}
