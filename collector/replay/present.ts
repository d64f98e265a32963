import type { AnyEvent, Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';
import { micros, momentText } from '../../schemas/pipe/line/moment.js';
import type { Stage } from '../../schemas/pipe/stage/stage.js';
import type { Clock } from './clock.js';

const ts = new LineField('ts');
const start = new LineField('start');
/** The other times in events, which keep their distance from ts. */
const others: Readonly<Record<string, readonly string[]>> = {
  outcome: ['start'],
  pending: ['start'],
  closed: ['start'],
  open: ['start'],
  summary: ['end', 'first', 'last'],
};

/** Creates a stage that moves each event's times to the moment when it is replayed. A line without a time is not changed. */
export function present(clock: Clock, options: Record<string, unknown>): Stage {
  return {
    name: 'replay',
    traits: { options },
    line(line, out) {
      const moment = micros(line.text(ts));
      if (Number.isNaN(moment)) return out.pass(line);
      const now = clock.at(moment);
      if (line.type === 'summary' || !inPlace(line, ts)) return out.write(moved(line.exact, moment, now));
      const bytes = Buffer.from(line.buffer.subarray(line.start, line.end));
      const write = (us: number) => {
        const text = momentText(us);
        if (text.length === line.to - line.from - 2) bytes.write(text, line.from - line.start + 1, 'latin1');
      };
      write(now);
      if (others[line.type] && inPlace(line, start)) write(now + micros(line.text(start)) - moment);
      out.bytes(bytes, 0, bytes.length);
    },
  };
}

/** Whether a field is in the line's own bytes, so that it can be changed there. */
const inPlace = (line: Line, field: LineField) => line.locate(field) && line.raw === line.buffer;

function moved(event: AnyEvent, moment: number, now: number): AnyEvent {
  const copy: AnyEvent = { ...event, ts: momentText(now) };
  for (const name of others[event.type] ?? []) {
    const time = micros((event as Record<string, unknown>)[name]);
    if (!Number.isNaN(time)) Object.assign(copy, { [name]: momentText(now + time - moment) });
  }
  return copy;
}
