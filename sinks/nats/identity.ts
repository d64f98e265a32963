import { hash } from 'node:crypto';
import type { Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';

const seq = new LineField('seq');
/** The length of an id: 96 bits in base64url. */
const length = 16;

/**
 * Gives events their Nats-Msg-Id, so that JetStream stores each one once, however often it is sent. The id of an event with
 * `seq` is a hash of its host and its whole line, so a file that is sent twice is stored once. Events without `seq`, such as
 * `lost`, may be identical without being duplicates. Their id is a hash of the batch and their position in it, which a spool
 * preserves.
 */
export class Identity {
  #scratch = Buffer.alloc(1 << 12);
  readonly #host: number;

  constructor(host: string) {
    this.#host = this.#scratch.write(`${host}\n`);
  }

  /** Returns the id of the line at position `at` of a batch. */
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
