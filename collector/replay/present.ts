import { Field } from '../../schemas/pipe/field.js';
import type { AnyEvent, Line } from '../../schemas/pipe/line.js';
import { everything, type Stage, select } from '../../schemas/pipe/stage.js';
import { type Clock, micros, momentText } from './clock.js';

const ts = new Field('ts');
/** The other times that a summary has: they keep their distance from its ts. */
const others = ['end', 'first', 'last'];

/** Passes all lines as they are. */
export function recorded(filters: Record<string, unknown>): Stage {
  return select('replay', [], everything, filters);
}

/** Puts into each event the moment at which it comes again. A line without a time goes on as it is. */
export function present(clock: Clock, filters: Record<string, unknown>): Stage {
  return {
    name: 'replay',
    filters,
    line(line, out) {
      const moment = micros(line.text(ts));
      if (Number.isNaN(moment)) return out.pass(line);
      const now = clock.at(moment);
      if (line.type === 'summary' || !inPlace(line)) return out.event(moved(line.event, moment, now));
      const bytes = Buffer.from(line.buffer.subarray(line.start, line.end));
      bytes.write(momentText(now), line.from - line.start + 1, 'latin1'); // as long as what was there
      out.bytes(bytes, 0, bytes.length);
    },
  };
}

/** Whether the time was found in the line's own bytes. */
const inPlace = (line: Line) => line.locate(ts) && line.raw === line.buffer;

function moved(event: AnyEvent, moment: number, now: number): AnyEvent {
  const copy: AnyEvent = { ...event, ts: momentText(now) };
  if (event.type !== 'summary') return copy;
  for (const name of others) {
    const time = micros((event as Record<string, unknown>)[name]);
    if (!Number.isNaN(time)) Object.assign(copy, { [name]: momentText(now + time - moment) });
  }
  return copy;
}
