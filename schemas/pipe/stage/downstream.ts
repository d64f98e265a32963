import { kinds } from '../../generated/kinds.js';
import type { Line } from '../line/line.js';
import type { ScannedLines } from '../scan/scanned-lines.js';
import { unknownKind } from '../scan/scanner.js';
import { Batch } from './batch.js';
import type { Output } from './stage.js';

/** So many bytes are enough to write, or to wait for a stage. */
export const fullBytes = 1 << 20;

/** What a stage's output goes into. */
export interface Downstream {
  /** A line that is valid, as it was scanned. */
  line(line: Line): void;
  /** Lines that are valid, from where they were read and scanned. */
  many(lines: ScannedLines): void;
  /** A line of other bytes, without its newline. */
  bytes(buffer: Buffer, start: number, end: number): void;
  /** A line of other bytes, with fields[from..to) before its closing brace. */
  extended(buffer: Buffer, start: number, end: number, fields: Buffer, from: number, to: number): void;
  /** So many lines of other bytes, each with its newline. */
  block(buffer: Buffer, start: number, end: number, lines: number): void;
  /** A line of text. */
  text(line: string): void;
  readonly full: boolean;
  /** It, or what is behind it, waits for something: what comes is kept. */
  readonly busy: boolean;
  /** Waits until all that came is done. */
  settle(): Promise<void>;
}

/** The end of the pipe. */
export class PipelineEnd implements Downstream {
  readonly batch = new Batch();

  /** The lines of `source` have their newline, and stay as they are until they are written. */
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
/** What a stage that has failed puts out at its end is not sent. */
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

/** Whether a stage wants to see a line, by its kind or, where that is not known, its type. */
export function typeMatcher(types: readonly string[] | undefined): (kind: number, type: string) => boolean {
  if (!types) return () => true;
  const byType = new Set(types);
  const byKind = kinds.map(({ type }) => byType.has(type));
  return (kind, type) => (kind === unknownKind ? byType.has(type) : (byKind[kind] as boolean));
}
