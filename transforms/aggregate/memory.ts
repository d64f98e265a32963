/** What this file needs of WebAssembly, which TypeScript knows only with the types of browsers. */
declare const WebAssembly: {
  Memory: new (size: {
    initial: number;
    maximum: number;
  }) => { readonly buffer: ArrayBuffer; grow(pages: number): void };
};

const page = 1 << 16;
const most = 1 << 16; // pages: 4 GiB

/** Memory that grows in place: no second copy at any time, and only what was touched is resident. */
export class Memory {
  readonly #memory = new WebAssembly.Memory({ initial: 1, maximum: most });
  u32 = new Uint32Array(this.#memory.buffer);
  f64 = new Float64Array(this.#memory.buffer);
  u8 = new Uint8Array(this.#memory.buffer);

  /** Makes it hold so many bytes. Throws RangeError above 4 GiB. */
  need(bytes: number): void {
    const have = this.u8.length;
    if (bytes <= have) return;
    const pages = Math.ceil(Math.max(bytes, have * 1.25) / page);
    this.#memory.grow(Math.max(Math.min(pages, most), Math.ceil(bytes / page)) - have / page);
    this.u32 = new Uint32Array(this.#memory.buffer);
    this.f64 = new Float64Array(this.#memory.buffer);
    this.u8 = new Uint8Array(this.#memory.buffer);
  }
}
