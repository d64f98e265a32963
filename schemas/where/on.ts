import { Field } from '../pipe/field.js';
import type { Line } from '../pipe/line.js';
import { isNumeric, isText, type Kind } from './kind.js';
import type { Test } from './match.js';
import { remembered } from './memo.js';

/** Says whether something holds for an event. */
export type Holds = (line: Line) => boolean;

/** Whether an event has a field. */
export function has(name: string, kind: Kind | undefined): Holds {
  const field = new Field(name);
  return kind ? (line) => line.locate(field) : (line) => line.field(name) !== undefined;
}

/**
 * A test of a field's value as one of the event, without parsing the line where that is canonical. `remember` lets it
 * keep its verdicts, in 256 KiB.
 */
export function on(name: string, kind: Kind | undefined, test: Test, remember = true): Holds {
  if (!kind) return (line) => test(line.field(name));
  const field = new Field(name);
  if (isNumeric(kind)) {
    return (line) => {
      const value = line.number(field);
      return test(Number.isNaN(value) ? undefined : value);
    };
  }
  const value = isText(kind) && !kind.list ? (line: Line) => line.text(field) : (line: Line) => line.field(name);
  // a time hardly comes again
  return remember && kind.is !== 'time' ? remembered(field, test, value) : (line) => test(value(line));
}
