import type { Line } from '../line/line.js';
import type { ScannedLines } from '../scan/scanned-lines.js';
import { OutputBuffer } from './output-buffer.js';

/** Bytes of pending output that call for a write, or for waiting until a stage catches up. */
export const fullBytes = 1 << 20;

/** The receiver of a stage's output: the next stage, or the end of the pipeline. */
export interface Downstream {
  /** Takes a valid line, as it was scanned. */
  line(line: Line): void;
  /** Takes valid lines from where they were read and scanned. */
  lines(lines: ScannedLines): void;
  /** Takes `lines` lines (1 by default) of other bytes, without the last newline. */
  bytes(buffer: Buffer, start: number, end: number, lines?: number): void;
  /** Takes one or more lines of text. */
  text(text: string): void;
  readonly full: boolean;
  /** Whether this or something after it is waiting. What it receives meanwhile is queued. */
  readonly busy: boolean;
  /** Waits until everything received so far is processed. */
  settle(): Promise<void>;
}

/** The end of the pipeline: collects the output for the next write. */
export class PipelineEnd implements Downstream {
  readonly buffer = new OutputBuffer();

  line(line: Line): void {
    this.buffer.add(line);
  }
  lines(lines: ScannedLines): void {
    this.buffer.scanned(lines);
  }
  bytes(buffer: Buffer, start: number, end: number, lines?: number): void {
    this.buffer.bytes(buffer, start, end, lines);
  }
  text(text: string): void {
    this.buffer.text(text);
  }
  get full(): boolean {
    return this.buffer.length > fullBytes;
  }
  readonly busy = false;
  async settle(): Promise<void> {}
}
