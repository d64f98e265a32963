import { recordWords } from '../../generated/kinds.js';
import { PlainTable } from './plain-table.js';
import type { ExtendResult, FilterResult, Scanner } from './scanner.js';

/** The scanner in JavaScript, for a Node without WebAssembly (--jitless). */
export class PlainScanner extends PlainTable implements Scanner {
  readonly gathered = Buffer.alloc(0);

  readonly first = 0;

  ahead(): boolean {
    return false;
  }

  offer(): void {}

  close(): void {}

  gather(): number {
    return 0;
  }

  filter(): FilterResult {
    return { asked: 0, passed: 0, question: -1 };
  }

  learn(): boolean {
    return false;
  }

  extend(): ExtendResult {
    return { lines: 0, bytes: 0, unnamed: new Int32Array(0) };
  }

  pack(record: number, lines: number, to: number): number {
    let end = to;
    for (let at = record; at < record + lines * recordWords; at += recordWords) {
      const [start, newline] = [this.table[at] as number, this.table[at + 1] as number];
      this.buffer.copyWithin(end, start, newline + 1);
      end += newline + 1 - start;
    }
    return end;
  }
}
