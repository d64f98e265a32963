import { fieldKinds } from '../../schemas/generated/fields.js';
import { fieldsText, type GroupField } from './key.js';
import { countColumns, type Measures, type WindowInfo } from './measure.js';
import type { Missing } from './pane.js';
import { type Piece, Pieces } from './pieces.js';
import type { Table } from './table.js';
import { mostParts } from './table.layout.js';
import { TextBuffer } from './text.js';
import { parseTime, timeText } from './time.js';

const newline = 10;
const known = Object.keys(fieldKinds.summary ?? {});
const groupable = [...Object.keys({ ...fieldKinds.outcome, ...fieldKinds.dns }), 'dest'];

/** Names that have another meaning in a summary than in an event. */
export const reserved = known.filter((name) => !groupable.includes(name) || name === 'type' || name === 'v');

/** What the summary of `other` has in addition to its numbers. */
export interface OtherInfo {
  eachMax: number;
  missing: Missing;
}

/** Writes summaries, with keys in schema order. */
export class SummaryWriter {
  readonly text = new TextBuffer();
  readonly #by: string;
  readonly #fields: readonly GroupField[];
  readonly #schemaFields: [at: number, name: string][]; // group fields of the schema: index in the key, `,"name":`
  readonly #otherFields: [at: number, name: string][];
  readonly #step: number; // the index of ts in the key, or -1
  readonly #ends: Uint32Array;
  #start = Number.NaN; // start and end of the last head
  #end = Number.NaN;
  #headLength = 0;

  constructor(
    fields: readonly GroupField[],
    private readonly measures: Measures,
  ) {
    this.#fields = fields;
    this.#by = JSON.stringify(fieldsText(fields));
    const place = ({ name }: GroupField) => known.indexOf(name);
    const parts = [...fields.entries()].filter(([, { step }]) => step === 0);
    parts.sort(([, a], [, b]) => place(a) - place(b));
    const named = (wanted: boolean) =>
      parts
        .filter(([, one]) => place(one) >= 0 === wanted)
        .map(([at, { name }]): [number, string] => [at, `,${JSON.stringify(name)}:`]);
    this.#schemaFields = named(true);
    this.#otherFields = named(false);
    this.#step = fields.findIndex(({ step }) => step > 0);
    this.#ends = new Uint32Array(fields.length);
  }

  /** Writes a row of a table as a line and returns `text`. Row 0 is `other`, which also gets `other`'s fields. */
  row(table: Table, row: number, window: WindowInfo, other?: OtherInfo): TextBuffer {
    const { text, measures } = this;
    const { bytes, start, end } = table.key(row);
    const ends = this.#ends;
    for (let at = start, field = 0; at < end; at++) if (bytes[at] === newline) ends[field++] = at;
    if (this.#step >= 0 && row > 0) {
      const time = parseTime(bytes, this.#from(this.#step, start) + 1);
      this.#head(time, time + (this.#fields[this.#step] as GroupField).step);
    } else this.#head(window.start, window.end);
    if (row === 0) {
      text.ascii(',"other":true');
      if (other && other.eachMax > 0) text.field(',"each_max":', other.eachMax);
    } else this.#group(this.#schemaFields, bytes, start);
    measures.write(text, table, row, window);
    if (other && other.missing.lost > 0) text.field(',"lost":', other.missing.lost);
    if (other && other.missing.invalid > 0) text.field(',"invalid":', other.missing.invalid);
    if (other && other.missing.untracked > 0) text.field(',"untracked":', other.missing.untracked);
    measures.writeDistinct(text, table, row);
    if (row > 0) this.#group(this.#otherFields, bytes, start);
    text.ascii('}');
    return text;
  }

  /** Returns the pieces of lines with counts only, or undefined if lines have more than that. */
  pieces(window: WindowInfo): Pieces | undefined {
    if (!this.measures.countsOnly || this.#step >= 0 || this.#fields.length > mostParts) return undefined;
    this.#head(window.start, window.end);
    const head = this.text.buffer.toString('latin1', 0, this.text.length);
    const isOfAttempts = this.measures.subject === 'attempts';
    const parts = (names: [number, string][]) => names.map(([part, text]): Piece => ({ text, part }));
    const { connects, outcomes, pending } = countColumns;
    return new Pieces([
      { text: head, always: true },
      ...parts(this.#schemaFields),
      { text: ',"count":', column: window.counts === 'connect' ? connects : outcomes, always: true },
      ...(isOfAttempts
        ? [
            { text: ',"connects":', column: connects },
            { text: ',"outcomes":', column: outcomes },
            { text: ',"pending":', column: pending },
          ]
        : []),
      ...parts(this.#otherFields),
      { text: '}', always: true },
    ]);
  }

  /** Returns the summary of a row as an object. */
  event(table: Table, row: number, window: WindowInfo): Record<string, unknown> {
    const { buffer, length } = this.row(table, row, window);
    return JSON.parse(buffer.toString('utf8', 0, length));
  }

  /** Starts a line. The head of the last line is reused if it has the same times. */
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

  /** Returns where a part of the key starts. The key itself starts at `start`. */
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
