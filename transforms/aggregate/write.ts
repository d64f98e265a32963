import { fieldKinds } from '../../schemas/generated/fields.js';
import { type Field, fieldsText } from './key.js';
import { always, type Measures, type Window } from './measure.js';
import type { Count } from './pane.js';
import { mostParts, type Piece, Pieces } from './pieces.js';
import type { Table } from './table.js';
import { Text } from './text.js';
import { parseTime, timeText } from './time.js';

const newline = 10;
const known = Object.keys(fieldKinds.summary ?? {});
const groupable = [...Object.keys({ ...fieldKinds.outcome, ...fieldKinds.dns }), 'dest'];

/** Names that mean something else in a summary than in an event. */
export const reserved = known.filter((name) => !groupable.includes(name) || name === 'type' || name === 'v');

/** What `other` tells beside its numbers. */
export interface Other {
  eachMax: number;
  missing: Count;
}

/** Writes summaries, keys in the schema's order. */
export class Writer {
  readonly text = new Text();
  readonly #by: string;
  readonly #fields: readonly Field[];
  readonly #first: [at: number, name: string][]; // group fields that the schema names: part of the key, `,"name":`
  readonly #behind: [at: number, name: string][];
  readonly #step: number; // which part of the key is ts
  readonly #ends: Uint32Array;
  #start = Number.NaN; // what the head says
  #end = Number.NaN;
  #headLength = 0;

  constructor(
    fields: readonly Field[],
    private readonly measures: Measures,
  ) {
    this.#fields = fields;
    this.#by = JSON.stringify(fieldsText(fields));
    const place = ({ name }: Field) => known.indexOf(name);
    const parts = [...fields.entries()].filter(([, { step }]) => step === 0);
    parts.sort(([, a], [, b]) => place(a) - place(b));
    const named = (wanted: boolean) =>
      parts
        .filter(([, one]) => place(one) >= 0 === wanted)
        .map(([at, { name }]): [number, string] => [at, `,${JSON.stringify(name)}:`]);
    this.#first = named(true);
    this.#behind = named(false);
    this.#step = fields.findIndex(({ step }) => step > 0);
    this.#ends = new Uint32Array(fields.length);
  }

  /** A row of a table as a line, in `text`. Row 0 is `other`, which tells what is missing too. */
  row(table: Table, row: number, window: Window, other?: Other): Text {
    const { text, measures } = this;
    const { bytes, start, end } = table.key(row);
    const ends = this.#ends;
    for (let at = start, field = 0; at < end; at++) if (bytes[at] === newline) ends[field++] = at;
    if (this.#step >= 0 && row > 0) {
      const time = parseTime(bytes, this.#from(this.#step, start) + 1);
      this.#head(time, time + (this.#fields[this.#step] as Field).step);
    } else this.#head(window.start, window.end);
    if (row === 0) {
      text.ascii(',"other":true');
      if (other && other.eachMax > 0) text.field(',"each_max":', other.eachMax);
    } else this.#group(this.#first, bytes, start);
    measures.write(text, table, row, window);
    if (other && other.missing.lost > 0) text.field(',"lost":', other.missing.lost);
    if (other && other.missing.invalid > 0) text.field(',"invalid":', other.missing.invalid);
    if (other && other.missing.untracked > 0) text.field(',"untracked":', other.missing.untracked);
    measures.writeDistinct(text, table, row);
    if (row > 0) this.#group(this.#behind, bytes, start);
    text.ascii('}');
    return text;
  }

  /** What lines of nothing but counts are made of; undefined where there is more to tell. */
  pieces(window: Window): Pieces | undefined {
    if (!this.measures.counts || this.#step >= 0 || this.#fields.length > mostParts) return undefined;
    this.#head(window.start, window.end);
    const head = this.text.buffer.toString('latin1', 0, this.text.length);
    const isOfAttempts = this.measures.subject === 'attempts';
    const parts = (names: [number, string][]) => names.map(([part, text]): Piece => ({ text, part }));
    const { connects, outcomes, pending } = always;
    return new Pieces([
      { text: head, always: true },
      ...parts(this.#first),
      { text: ',"count":', column: window.counts === 'connect' ? connects : outcomes, always: true },
      ...(isOfAttempts
        ? [
            { text: ',"connects":', column: connects },
            { text: ',"outcomes":', column: outcomes },
            { text: ',"pending":', column: pending },
          ]
        : []),
      ...parts(this.#behind),
      { text: '}', always: true },
    ]);
  }

  /** The summary of a row as an object. */
  event(table: Table, row: number, window: Window): Record<string, unknown> {
    const { buffer, length } = this.row(table, row, window);
    return JSON.parse(buffer.toString('utf8', 0, length));
  }

  /** Begins a line, as the last one where that is of the same time. */
  #head(start: number, end: number): void {
    const { text } = this;
    if (start !== this.#start || end !== this.#end) {
      [this.#start, this.#end] = [start, end];
      text.length = 0;
      const events = this.measures.subject === 'dns' ? '"events":"dns",' : '';
      text.ascii(
        `{"type":"summary","v":1,"ts":"${timeText(start)}","end":"${timeText(end)}",${events}"by":${this.#by}`,
      );
      this.#headLength = text.length;
    }
    text.length = this.#headLength;
  }

  /** Where a part of a key that begins at `start` begins. */
  #from(part: number, start: number): number {
    return part === 0 ? start : (this.#ends[part - 1] as number) + 1;
  }

  #group(names: [number, string][], bytes: Uint8Array, start: number): void {
    for (const [at, name] of names) {
      const from = this.#from(at, start);
      const to = this.#ends[at] as number;
      if (to === from) continue;
      this.text.ascii(name);
      this.text.bytes(bytes, from, to);
    }
  }
}
