/** Builds the body of a request. */
export class Body {
  #bytes = Buffer.allocUnsafeSlow(1 << 14);
  #length = 0;

  /** Everything that was added. */
  get all(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Adds a text as UTF-8 or, with latin1, a byte for each of its characters. */
  text(text: string, encoding: 'utf8' | 'latin1' = 'utf8'): void {
    this.#need(text.length * 3);
    this.#length += this.#bytes.write(text, this.#length, encoding);
  }

  bytes(bytes: Uint8Array): void {
    this.#need(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #need(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(2 * needed);
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
