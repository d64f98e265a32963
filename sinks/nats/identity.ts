import { hash } from 'node:crypto';
import type { Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';

const seq = new LineField('seq');
/** 96 bits, in base64url. */
const length = 16;

/**
 * Names events, so that JetStream stores each once however often it is sent. An event with `seq` is known by its host and
 * its line (seq, time and all that it says), so that the same file sent twice is stored once. One without, such as
 * `lost`, may well come twice and mean twice: it is known by its place in its batch, which a spool keeps too.
 */
export class Identity {
  #scratch = Buffer.alloc(1 << 12);
  readonly #host: number;

  constructor(host: string) {
    this.#host = this.#scratch.write(`${host}\n`);
  }

  /** The id of line number `at` of a batch. */
  of(line: Line, batch: string, at: number): string {
    if (!line.locate(seq)) return hash('sha256', `${batch}\n${at}`, 'base64url').slice(0, length);
    const end = this.#host + line.end - line.start;
    if (end > this.#scratch.length) this.#grow(end);
    line.buffer.copy(this.#scratch, this.#host, line.start, line.end);
    return hash('sha256', this.#scratch.subarray(0, end), 'base64url').slice(0, length);
  }

  #grow(needed: number): void {
    const larger = Buffer.alloc(2 ** Math.ceil(Math.log2(needed)));
    this.#scratch.copy(larger, 0, 0, this.#host);
    this.#scratch = larger;
  }
}
