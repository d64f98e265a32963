const [quote, backslash, space] = [0x22, 0x5c, 0x20];
/** How many parts are used again. */
const mostKept = 8;

/** Builds the body of a request. */
export class Body {
  #bytes: Buffer;
  #length = 0;

  /** @param room for how many bytes there is room at first */
  constructor(room = 1 << 14) {
    this.#bytes = Buffer.allocUnsafeSlow(room);
  }

  /** Everything that was added. */
  get all(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  text(text: string): void {
    this.#need(text.length * 3);
    this.#length += this.#bytes.write(text, this.#length);
  }

  bytes(bytes: Uint8Array): void {
    this.#need(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Adds a text in UTF-8 as a JSON string. */
  quoted(text: Buffer): void {
    this.#need(text.length * 2 + 2);
    const bytes = this.#bytes;
    let to = this.#length;
    bytes[to++] = quote;
    for (let from = 0; from < text.length; from++) {
      const byte = text[from] as number;
      if (byte < space) {
        this.text(JSON.stringify(text.toString()));
        return;
      }
      if (byte === quote || byte === backslash) bytes[to++] = backslash;
      bytes[to++] = byte;
    }
    bytes[to++] = quote;
    this.#length = to;
  }

  clear(): void {
    this.#length = 0;
  }

  #need(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(2 * needed);
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

/** Parts of a body, which the next request uses again: new memory for megabytes takes longer than filling it. */
export class BodyParts {
  readonly #all: Body[] = [];
  #used = 0;

  /** Returns an empty part. */
  next(): Body {
    const part = this.#all[this.#used] ?? new Body();
    if (this.#used < mostKept) this.#all[this.#used++] = part;
    part.clear();
    return part;
  }

  /** Takes back all parts. */
  clear(): void {
    this.#used = 0;
  }
}
