const newline = 10;
const lostLine = Buffer.from('{"type":"lost",');
const ts = Buffer.from('"ts":"');
const moment = '2026-11-23T08:15:30.123Z'.length;
/** An incomplete line is kept up to this many bytes only; `lost` events are short. */
const most = 1 << 12;

/** Statistics of the input, without parsing it: bytes, the newest time in canonical lines, and what earlier stages have lost. */
export class InputStats {
  read = 0;
  /** Events reported as lost by `lost` events. */
  lost = 0;
  /** The newest timestamp, in ms since 1970. */
  newest: number | undefined;
  /** Its age when it was read (ms). */
  lag: number | undefined;
  #rest = Buffer.alloc(0);

  add(chunk: Buffer): void {
    this.read += chunk.length;
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    const end = bytes.lastIndexOf(newline) + 1;
    const whole = bytes.subarray(0, end);
    for (let at = whole.indexOf(lostLine); at >= 0; at = whole.indexOf(lostLine, at + 1)) {
      if (at > 0 && whole[at - 1] !== newline) continue;
      const line = whole.toString('latin1', at, whole.indexOf(newline, at));
      this.lost += Number(/"count":(\d{1,15})[,}]/.exec(line)?.[1] ?? 0);
    }
    const at = whole.lastIndexOf(ts) + ts.length;
    const time = at > ts.length ? Date.parse(`${whole.toString('latin1', at, at + moment - 1)}Z`) : Number.NaN;
    if (!Number.isNaN(time)) {
      this.newest = time;
      this.lag = Math.max(0, Date.now() - time);
    }
    this.#rest = bytes.length - end > most ? Buffer.alloc(0) : Buffer.from(bytes.subarray(end));
  }
}
