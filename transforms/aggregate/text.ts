import { ByteBuffer } from './bytes.js';

/** A buffer for the text of a line. */
export class TextBuffer extends ByteBuffer {
  ascii(text: string): void {
    this.need(text.length);
    if (text.length > 40) this.length += this.buffer.write(text, this.length, 'latin1');
    else for (let i = 0; i < text.length; i++) this.buffer[this.length++] = text.charCodeAt(i);
  }

  bytes(from: Uint8Array, start: number, end: number): void {
    this.need(end - start);
    this.copy(from, start, end);
  }

  /** Appends a number as JSON. */
  number(number: number): void {
    if (!(number >= 0 && number < 1e9 && Number.isInteger(number))) {
      this.ascii(String(number));
      return;
    }
    this.need(10);
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

  /** Appends a number after its name, which is given as `,"name":`. */
  field(name: string, number: number): void {
    this.ascii(name);
    this.number(number);
  }
}
