import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { WasmScanner } from '../../schemas/pipe/scan/wasm.js';

/** A reason to skip: with a single CPU, no thread scans. */
export const alone = availableParallelism() < 2 && 'one CPU';

/** Scans natively. A scan from 0 is offered to a new thread, which may finish it before the result is requested. */
export class ThreadScanner extends WasmScanner {
  constructor(bytes: number, lines: number) {
    super(bytes, lines, 3);
  }

  override scan(from: number, to: number): number {
    if (from === 0) {
      this.close();
      assert.ok(this.ahead() || alone, 'no thread');
      this.offer(from, to);
    }
    return super.scan(from, to);
  }
}
