/** A line in the making, as bytes. */
export class Text {
  buffer = Buffer.allocUnsafeSlow(1 << 14);
  length = 0;

  ascii(text: string): void {
    this.#reserve(text.length);
    if (text.length > 40) this.length += this.buffer.write(text, this.length, 'latin1');
    else for (let i = 0; i < text.length; i++) this.buffer[this.length++] = text.charCodeAt(i);
  }

  bytes(from: Uint8Array, start: number, end: number): void {
    this.#reserve(end - start);
    for (let at = start; at < end; at++) this.buffer[this.length++] = from[at] as number;
  }

  /** A number as JSON has it. */
  number(number: number): void {
    if (!(number >= 0 && number < 1e9 && Number.isInteger(number))) {
      this.ascii(String(number));
      return;
    }
    this.#reserve(10);
    let digits = 1;
    for (let above = 10; above <= number; above *= 10) digits++;
    let left = number | 0;
    for (let at = this.length + digits - 1; at >= this.length; at--) {
      const tens = (left / 10) | 0;
      this.buffer[at] = 48 + left - tens * 10;
      left = tens;
    }
    this.length += digits;
  }

  /** `,"name":number` where the name comes as `,"name":` */
  field(name: string, number: number): void {
    this.ascii(name);
    this.number(number);
  }

  #reserve(more: number): void {
    if (this.length + more <= this.buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(this.length + more)));
    this.buffer.copy(larger, 0, 0, this.length);
    this.buffer = larger;
  }
}
