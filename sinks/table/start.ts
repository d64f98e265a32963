import type { Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';

const [ts, start, latency] = [new LineField('ts'), new LineField('start'), new LineField('latency_us')];

/** Returns the time of the call, as tcpconnect shows it. Outcomes of older versions lack it, so it is computed. */
export function startOf(line: Line): string {
  const own = line.text(ts) as string;
  if (line.type === 'connect' || line.type === 'dns') return own;
  const began = line.text(start);
  if (began !== undefined || line.type !== 'outcome') return began ?? own;
  return new Date(Date.parse(own) - line.number(latency) / 1000).toISOString().replace('Z', '000Z');
}
