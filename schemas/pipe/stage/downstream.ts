import { kinds } from '../../generated/kinds.js';
import type { Line } from '../line/line.js';
import { unknownKind } from '../scan/constants.js';
import type { ScannedLines } from '../scan/scanned-lines.js';
import { Batch } from './batch.js';
import type { Output } from './stage.js';

/** Bytes of pending output that call for a write, or for waiting until a stage catches up. */
export const fullBytes = 1 << 20;

/** The receiver of a stage's output: the next stage, or the end of the pipeline. */
export interface Downstream {
  /** Takes a valid line, as it was scanned. */
  line(line: Line): void;
  /** Takes valid lines from where they were read and scanned. */
  many(lines: ScannedLines): void;
  /** Takes a line of other bytes, without its newline. */
  bytes(buffer: Buffer, start: number, end: number): void;
  /** Takes a line of other bytes, and adds fields[from..to) before its closing brace. */
  extended(buffer: Buffer, start: number, end: number, fields: Buffer, from: number, to: number): void;
  /** Takes `lines` lines of other bytes, each with its newline. */
  block(buffer: Buffer, start: number, end: number, lines: number): void;
  /** Takes a line of text. */
  text(line: string): void;
  readonly full: boolean;
  /** Whether this or something after it is waiting. What it receives meanwhile is queued. */
  readonly busy: boolean;
  /** Waits until everything received so far is processed. */
  settle(): Promise<void>;
}

/** The end of the pipeline: collects the output for the next write. */
export class PipelineEnd implements Downstream {
  readonly batch = new Batch();

  /** Lines in `source` are followed by their newline, and stay unchanged until they are written. */
  constructor(private readonly source: Buffer) {}

  line({ buffer, start, end }: Line): void {
    if (buffer === this.source) this.batch.line(buffer, start, end + 1);
    else this.batch.bytes(buffer, start, end);
  }
  many(lines: ScannedLines): void {
    const start = this.batch.behind(this.source) ?? lines.start(0);
    this.batch.line(this.source, start, lines.pack(start), lines.count);
  }
  bytes(buffer: Buffer, start: number, end: number): void {
    this.batch.bytes(buffer, start, end);
  }
  extended(buffer: Buffer, start: number, end: number, fields: Buffer, from: number, to: number): void {
    this.batch.extended(buffer, start, end, fields, from, to);
  }
  block(buffer: Buffer, start: number, end: number, lines: number): void {
    this.batch.block(buffer, start, end, lines);
  }
  text(line: string): void {
    this.batch.text(line);
  }
  get full(): boolean {
    return this.batch.length > fullBytes;
  }
  readonly busy = false;
  async settle(): Promise<void> {}
}

const nothing = () => {};
/** Discards what a failed stage writes at its end. */
export const discarded: Output = {
  pass: nothing,
  drop: nothing,
  stored: nothing,
  event: nothing,
  bytes: nothing,
  extended: nothing,
  lines: nothing,
  lost: nothing,
  text: nothing,
  wake: nothing,
  full: false,
};

/** Returns a test for lines of these types, by kind or, if that is unknown, by type. Without `types`, all lines match. */
export function typeMatcher(types: readonly string[] | undefined): (kind: number, type: string) => boolean {
  if (!types) return () => true;
  const byType = new Set(types);
  const byKind = kinds.map(({ type }) => byType.has(type));
  return (kind, type) => (kind === unknownKind ? byType.has(type) : (byKind[kind] as boolean));
}
