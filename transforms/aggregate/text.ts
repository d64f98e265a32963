import { Bytes } from './bytes.js';

/** A line in the making. */
export class Text extends Bytes {
  ascii(text: string): void {
    this.need(text.length);
    if (text.length > 40) this.length += this.buffer.write(text, this.length, 'latin1');
    else for (let i = 0; i < text.length; i++) this.buffer[this.length++] = text.charCodeAt(i);
  }

  bytes(from: Uint8Array, start: number, end: number): void {
    this.need(end - start);
    this.copy(from, start, end);
  }

  /** A number as JSON has it. */
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

  /** `,"name":number` where the name comes as `,"name":` */
  field(name: string, number: number): void {
    this.ascii(name);
    this.number(number);
  }
}
