import { code, ownPages } from '../../schemas/generated/table.js';
import { instances, newMemory } from '../../schemas/pipe/scan/webassembly.js';

/** The functions that table.c exports. They are documented there. */
interface Exports {
  empty_columns(): number;
  row_blocks(): number;
  count(): number;
  reset(columns: number): void;
  space(bytes: number): number;
  row(length: number, before: number): number;
  add(lines: number, most: number, before: number): number;
  write(pieces: number, count: number, list: number, many: number, out: number, end: number): number;
}

const most = 1 << 16; // pages: 4 GiB
const instance = instances<Exports>(code);

/**
 * An instance of table.c and its memory. The memory grows in place, so it is never copied, and only touched pages are
 * resident.
 */
export class TableMemory {
  readonly #memory = newMemory(ownPages, most);
  readonly exports = instance(this.#memory);
  u32 = new Uint32Array(this.#memory.buffer);
  f64 = new Float64Array(this.#memory.buffer);
  u8 = new Uint8Array(this.#memory.buffer);

  /** Updates the views. Must be called after table.c may have grown the memory. */
  refresh(): void {
    if (this.u8.length > 0) return;
    this.u32 = new Uint32Array(this.#memory.buffer);
    this.f64 = new Float64Array(this.#memory.buffer);
    this.u8 = new Uint8Array(this.#memory.buffer);
  }
}
