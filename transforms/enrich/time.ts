import { connectionTypes } from '../../schemas/attempts.js';
import type { Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';
import { micros } from '../../schemas/pipe/line/moment.js';

const start = new LineField('start');
const ts = new LineField('ts');
const latency = new LineField('latency_us');
const zero = 48;
/** The length of `"2026-11-23T08:15:30.`, which comes before the microseconds. */
const seconds = 21;

/** Parses the times of lines. It keeps the last second, because most lines have the same second as the line before. */
export class EventTime {
  readonly #lastText = Buffer.alloc(seconds);
  #second = Number.NaN;

  /**
   * Returns the time of the call in microseconds since 1970: `start`, or `ts` of a connect event. For older outcomes without
   * `start` it is `ts` minus the latency. Of a connection from before the start of the collector it is not known: returns 0.
   */
  of(line: Line): number {
    const started = line.type !== 'connect' && line.locate(start);
    if (!started && (connectionTypes.includes(line.type) || !line.locate(ts))) return 0;
    const { raw, from, to } = line;
    let same = true;
    for (let i = 0; i < seconds && same; i++) same = raw[from + i] === this.#lastText[i];
    if (!same) {
      raw.copy(this.#lastText, 0, from, from + seconds);
      this.#second = micros(raw.toString('latin1', from + 1, to - 1).replace(/[.].*/, '.000000Z'));
    }
    let time = 0;
    for (let at = from + seconds; at < to - 2; at++) time = time * 10 + (raw[at] as number) - zero;
    time += this.#second;
    const took = started || line.type !== 'outcome' ? Number.NaN : line.number(latency);
    return Number.isNaN(took) ? time : time - took;
  }
}
