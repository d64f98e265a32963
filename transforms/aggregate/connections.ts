import type { Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';
import type { Distribution } from './distribution.js';
import type { ColumnRule, Table, TableShape } from './table.js';
import type { TextBuffer } from './text.js';

/** The measures of connections, to which only closed and open events add. */
export const connectionMeasures = ['bytes', 'duration', 'retransmits', 'rtt'];

const sums = ['bytes_sent', 'bytes_received', 'segs_retransmitted'] as const;
const [sent, received, segments] = sums.map((name) => new LineField(name)) as [LineField, LineField, LineField];
const [sentDelta, receivedDelta] = [new LineField('sent_delta'), new LineField('received_delta')];
const [duration, rtt] = [new LineField('duration_us'), new LineField('srtt_us')];
const existing = new LineField('existing');

type Summary = Readonly<Record<string, unknown>>;

/** What is measured of connections: columns of a table, and fields of a summary. */
export class Connections {
  readonly shape: Pick<TableShape, 'closed' | 'bytes'>;
  /** The fields that it writes, in order. */
  readonly fields: readonly string[];
  readonly #closed: number;
  readonly #bytes: number | undefined;
  readonly #segments: number | undefined;
  readonly #duration: Distribution | undefined;
  readonly #rtt: Distribution | undefined;

  constructor(
    names: readonly string[],
    columns: (...rules: ColumnRule[]) => number,
    distribution: (name: string) => Distribution | undefined,
  ) {
    this.#closed = columns('sum');
    this.#bytes = names.includes('bytes') ? columns('sum', 'sum') : undefined;
    this.#segments = names.includes('retransmits') ? columns('sum') : undefined;
    this.#duration = distribution('duration');
    this.#rtt = distribution('rtt');
    this.shape = { closed: this.#closed, ...(this.#bytes !== undefined && { bytes: this.#bytes }) };
    this.fields = [
      'closed',
      ...(this.#bytes === undefined ? [] : ['bytes_sent', 'bytes_received']),
      ...(this.#segments === undefined ? [] : ['segs_retransmitted']),
      ...(this.#duration?.fields ?? []),
      ...(this.#rtt?.fields ?? []),
    ];
  }

  takes(type: string): boolean {
    return type === 'closed' || this.#bytes !== undefined;
  }

  /**
   * Adds a closed or open event. Only bytes are added of an open one: its other numbers are not final. The first one about a
   * connection from before the start has no delta, and its bytes are from before the start too.
   */
  event(table: Table, row: number, line: Line): void {
    const add = (column: number, field: LineField) => {
      if (line.locate(field)) table.add(row, column, line.number(field));
    };
    const isFirst = line.type === 'open' && line.locate(existing) && !line.locate(sentDelta);
    if (this.#bytes !== undefined && !isFirst) {
      add(this.#bytes, line.locate(sentDelta) ? sentDelta : sent);
      add(this.#bytes + 1, line.locate(receivedDelta) ? receivedDelta : received);
    }
    if (line.type === 'open') return;
    table.add(row, this.#closed, 1);
    if (this.#segments !== undefined) add(this.#segments, segments);
    if (line.locate(duration)) this.#duration?.add(table, row, line.number(duration), 1);
    if (line.locate(rtt)) this.#rtt?.add(table, row, line.number(rtt), 1);
  }

  /** Adds a summary's numbers. Throws what `lacks` returns if a measure is missing. */
  merge(table: Table, row: number, summary: Summary, lacks: (field: string, measure: string) => Error): void {
    const number = (name: string, measure: string) => {
      const value = summary[name];
      if (typeof value !== 'number') throw lacks(name, measure);
      return value;
    };
    const measured = [this.#bytes !== undefined && 'bytes', this.#segments !== undefined && 'retransmits'].find(
      Boolean,
    );
    const closed = number('closed', measured || (this.#duration ? 'duration' : 'rtt'));
    table.add(row, this.#closed, closed);
    if (this.#bytes !== undefined) {
      table.add(row, this.#bytes, number('bytes_sent', 'bytes'));
      table.add(row, this.#bytes + 1, number('bytes_received', 'bytes'));
    }
    if (this.#segments !== undefined) table.add(row, this.#segments, number('segs_retransmitted', 'retransmits'));
    if (closed === 0) return;
    for (const one of [this.#duration, this.#rtt]) {
      if (!one) continue;
      const sketch = summary[`${one.name}_sketch`];
      if (typeof sketch !== 'string') throw lacks(`${one.name}_sketch`, one.name);
      one.merge(table, row, summary, sketch);
    }
  }

  /** Writes a row's numbers. Those of a measure are always present, so that another aggregate knows that it was measured. */
  write(text: TextBuffer, table: Table, row: number): void {
    const closed = table.get(row, this.#closed);
    text.field(',"closed":', closed);
    if (this.#bytes !== undefined) {
      text.field(',"bytes_sent":', table.get(row, this.#bytes));
      text.field(',"bytes_received":', table.get(row, this.#bytes + 1));
    }
    if (this.#segments !== undefined) text.field(',"segs_retransmitted":', table.get(row, this.#segments));
    this.#duration?.write(text, table, row, closed > 0);
    this.#rtt?.write(text, table, row, closed > 0);
  }
}

/** Returns the sum of an event's numbers that are added up, at least 1. */
export function largestOf(line: Line): number {
  const number = (field: LineField) => (line.locate(field) ? line.number(field) : 0);
  return Math.max(1, number(sent), number(received), number(segments));
}

/** Returns a summary's numbers that are added up. */
export function numbersIn(summary: Summary): number[] {
  return [...sums, 'closed'].map((name) => (summary[name] as number | undefined) ?? 0);
}
