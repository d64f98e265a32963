import { PlainTable } from './plain-table.js';
import { record as layout, recordWords } from './record.layout.js';
import type { Scanner } from './scanner.js';

const { at: place } = layout;

/** The scanner in JavaScript, for a Node without WebAssembly (--jitless). */
export class PlainScanner extends PlainTable implements Scanner {
  readonly first = 0;
  readonly output = Buffer.alloc(0);
  readonly registers = new Int32Array(16);

  ahead(): boolean {
    return false;
  }

  offer(): void {}

  close(): void {}

  run(): number {
    return 0;
  }

  pack(record: number, lines: number, to: number): number {
    let end = to;
    for (let at = record; at < record + lines * recordWords; at += recordWords) {
      const [start, newline] = [this.table[at + place.start] as number, this.table[at + place.end] as number];
      this.buffer.copyWithin(end, start, newline + 1);
      end += newline + 1 - start;
    }
    return end;
  }
}
