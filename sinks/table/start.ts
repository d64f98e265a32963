import type { Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';
import { isoText, LastSecond } from '../../schemas/pipe/line/moment.js';

const [ts, start, latency] = [new LineField('ts'), new LineField('start'), new LineField('latency_us')];

/** Makes a function that formats the time of the call. It keeps the text of the last second, because most events come in order. */
export function startText(time: (ts: string) => string): (line: Line) => string {
  const last = new LastSecond();
  let text = '';
  return (line) => {
    if (!locateStart(line)) return time(startOf(line));
    const { raw, from } = line;
    if (last.has(raw, from + 1)) return text;
    last.keep(raw, from + 1);
    text = time(startOf(line));
    return text;
  };
}

/** Finds the time of the call. Returns whether the event has it. */
function locateStart(line: Line): boolean {
  if (line.type === 'connect' || line.type === 'dns') return line.locate(ts);
  return line.locate(start) || (line.type !== 'outcome' && line.locate(ts));
}

/** Returns the time of the call, as tcpconnect shows it. Outcomes of older versions lack it, so it is computed. */
export function startOf(line: Line): string {
  const own = line.text(ts) as string;
  if (line.type === 'connect' || line.type === 'dns') return own;
  const began = line.text(start);
  if (began !== undefined || line.type !== 'outcome') return began ?? own;
  return isoText(Date.parse(own) - line.number(latency) / 1000).replace('Z', '000Z');
}
