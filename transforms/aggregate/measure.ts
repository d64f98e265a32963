import type { AnyEvent, Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';
import { invalidValue, RuntimeError } from '../../schemas/pipe/messages/errors.js';
import { Connections, connectionMeasures } from './connections.js';
import { Distribution } from './distribution.js';
import { fields, Key } from './key.js';
import { decode, distinct, encode, register } from './sketch.js';
import type { ColumnRule, Table, TableShape } from './table.js';
import type { TextBuffer } from './text.js';
import { parseTime, timeText } from './time.js';

/** What is counted. */
export type Subject = 'attempts' | 'dns';

/** What all groups of a window share. */
export interface WindowInfo {
  /** µs; `end` is exclusive. */
  start: number;
  end: number;
  /** The time that rates are based on, µs; 0 without a rate. */
  span: number;
  /** Which events count as attempts. Those of the other type are about the same attempts, so they are not counted. */
  counts: 'connect' | 'outcome';
}

const results = ['established', 'refused', 'timeout', 'unreachable', 'reset', 'denied', 'aborted', 'error'];
export const simple = ['count', 'failed', 'result', 'latency', 'rate', 'first', 'last', ...connectionMeasures];
const [firsts, thirds] = [0, 2].map((at) => results.map((result) => result.charCodeAt(at))) as [number[], number[]];
export const defaultMeasures = 'count,failed,result,latency';
export const defaultMeasuresOfLookups = 'count,failed,latency';

/** Parses the names of measures: `count,latency,distinct:daddr`. Throws UsageError. */
export function measures(text: string): string[] {
  const all = text.split(',').map((part) => part.trim());
  for (const name of all) {
    if (simple.includes(name)) continue;
    const [, field] = /^distinct:([a-z]\w*)$/.exec(name) ?? [];
    if (!field) throw invalidValue(name, `use one or more of ${simple.join(', ')}, distinct:FIELD`);
  }
  return all;
}

// The columns that every table has. Look-ups are counted in the column of outcomes.
const connects = 0;
const outcomes = 1;
const pending = 2;
export const countColumns = { connects, outcomes, pending };

interface Distinct {
  name: string;
  key: Key;
  /** The index of its sketch in the table. */
  sketch: number;
}

const errnoField = new LineField('errno');
const resultField = new LineField('result');
const latencyField = new LineField('latency_us');
const errorField = new LineField('error');
const searchField = new LineField('search');
const established = 0;

/** Returns the index of the result at `at`, by its first and third letter, which are unique. */
function resultAt(bytes: Uint8Array, at: number): number {
  for (let i = 0; i < results.length; i++) {
    if (bytes[at] === firsts[i] && bytes[at + 2] === thirds[i]) return i;
  }
  return results.length - 1;
}

/** The chosen measures: what a table keeps for them, what an event adds, and how they are written. */
export class Measures {
  readonly shape: TableShape;
  readonly #columns: ColumnRule[] = ['sum', 'sum', 'sum'];
  readonly #failed: number;
  readonly #result: number;
  readonly #latency: Distribution | undefined;
  readonly #connections: Connections | undefined;
  readonly #first: number;
  readonly #last: number;
  readonly #rate: boolean;
  readonly #distinct: Distinct[];

  constructor(
    names: readonly string[],
    readonly subject: Subject = 'attempts',
  ) {
    const columns = (name: string, ...rules: ColumnRule[]) =>
      names.includes(name) ? this.#columns.push(...rules) - rules.length : 0;
    this.#failed = columns('failed', 'sum', 'sum'); // errors of connects, failed outcomes
    this.#result = columns('result', ...results.map(() => 'sum' as const));
    const sketches: ('sum' | 'max')[] = [];
    const distribution = (name: string): Distribution | undefined =>
      names.includes(name)
        ? new Distribution(name, columns(name, ...Distribution.rules), sketches.push('sum') - 1)
        : undefined;
    this.#latency = distribution('latency');
    this.#first = columns('first', 'min');
    this.#last = columns('last', 'max');
    this.#rate = names.includes('rate');
    this.#connections = names.some((name) => connectionMeasures.includes(name))
      ? new Connections(names, (...rules) => this.#columns.push(...rules) - rules.length, distribution)
      : undefined;
    this.#distinct = [...new Set(names)]
      .filter((name) => name.startsWith('distinct:'))
      .map((measure, at) => {
        const name = measure.slice(9);
        return { name, key: new Key(fields(name)), sketch: sketches.length + at };
      });
    sketches.push(...this.#distinct.map(() => 'max' as const));
    this.shape = { columns: this.#columns, sketches, ...this.#connections?.shape };
  }

  /** Adds a connect, outcome or dns event, which counts `times` times (`repeat`). */
  event(table: Table, row: number, line: Line, time: number, times: number): void {
    (table.numbers[table.base(row) + (line.type === 'connect' ? connects : outcomes)] as number) += times;
    if (!this.countsOnly) this.addValues(table, row, line, time, times);
  }

  /** Whether only counts are measured. */
  get countsOnly(): boolean {
    return this.#columns.length === 3 && this.shape.sketches.length === 0;
  }

  /** Adds everything but an event's count. */
  addValues(table: Table, row: number, line: Line, time: number, times: number): void {
    const { numbers } = table;
    const base = table.base(row);
    if (line.type === 'connect') {
      if (this.#failed && line.locate(errnoField)) (numbers[base + this.#failed] as number) += times;
    } else if (line.type === 'dns') {
      if (this.#failed && line.locate(errorField) && !line.locate(searchField))
        (numbers[base + this.#failed + 1] as number) += times;
      if (line.locate(latencyField)) this.#latency?.add(table, row, line.number(latencyField), times);
    } else {
      // Only with --lenient may an outcome lack its result or its latency.
      if ((this.#failed || this.#result) && line.locate(resultField)) {
        const result = resultAt(line.raw, line.from + 1);
        if (this.#failed && result !== established) (numbers[base + this.#failed + 1] as number) += times;
        if (this.#result) (numbers[base + this.#result + result] as number) += times;
      }
      if (this.#latency && line.locate(latencyField)) this.#latency.add(table, row, line.number(latencyField), times);
    }
    if (this.#first && time < (numbers[base + this.#first] as number)) numbers[base + this.#first] = time;
    if (this.#last && time > (numbers[base + this.#last] as number)) numbers[base + this.#last] = time;
    for (const { key, sketch } of this.#distinct) {
      if (!key.read(line)) continue;
      const { slot, rank } = register(key.buffer, key.length);
      table.sketches[sketch]?.add(row, slot, rank);
    }
  }

  /** Whether an event of a connection adds anything to what is measured. */
  takes(type: string): boolean {
    return this.#connections?.takes(type) ?? false;
  }

  /** Adds a closed or open event. */
  connection(table: Table, row: number, line: Line): void {
    this.#connections?.event(table, row, line);
  }

  /** Adds a summary's numbers. Throws RuntimeError if it lacks one of the measures. */
  summary(table: Table, row: number, event: AnyEvent): void {
    const summary = event as { [name: string]: unknown };
    const number = (name: string) => (summary[name] as number | undefined) ?? 0;
    const text = (name: string, measure: string) => {
      const value = summary[name];
      if (typeof value === 'string') return value;
      throw lacks(name, measure);
    };
    const ended = number(this.subject === 'dns' ? 'count' : 'outcomes');
    table.add(row, connects, number('connects'));
    table.add(row, outcomes, ended);
    this.#connections?.merge(table, row, summary, (field, measure) => lacks(field, measure));
    const isEmpty = number('connects') + ended === 0;
    if (isEmpty) return;
    if (this.#failed) {
      if (summary.failed === undefined && summary.errors === undefined) throw lacks('failed', 'failed');
      table.add(row, this.#failed, number('errors'));
      if (ended > 0) table.add(row, this.#failed + 1, number('failed'));
    }
    if (this.#result) {
      let sum = 0;
      for (const [i, result] of results.entries()) {
        table.add(row, this.#result + i, number(`result_${result}`));
        sum += number(`result_${result}`);
      }
      if (sum !== ended) throw lacks('results', 'result');
    }
    if (this.#latency && ended > 0) this.#latency.merge(table, row, summary, text('latency_sketch', 'latency'));
    if (this.#first) table.setMin(row, this.#first, parseTime(Buffer.from(text('first', 'first')), 0));
    if (this.#last) table.setMax(row, this.#last, parseTime(Buffer.from(text('last', 'last')), 0));
    for (const { name, sketch } of this.#distinct) {
      decode(text(`distinct_${name}_sketch`, `distinct:${name}`), (slot, value) =>
        table.sketches[sketch]?.add(row, slot, value),
      );
    }
  }

  /** The fields of the summaries. */
  get names(): string[] {
    return [
      'count',
      ...(this.subject === 'attempts' ? ['connects', 'outcomes', 'pending'] : []),
      ...(this.#failed ? [...(this.subject === 'attempts' ? ['errors'] : []), 'failed', 'failed_ratio'] : []),
      ...(this.#result ? results.map((result) => `result_${result}`) : []),
      ...(this.#latency?.fields ?? []),
      ...(this.#rate ? ['rate'] : []),
      ...(this.#first ? ['first'] : []),
      ...(this.#last ? ['last'] : []),
      ...(this.#connections?.fields ?? []),
      ...this.#distinct.map(({ name }) => `distinct_${name}`),
    ];
  }

  /** Returns the number of attempts of a row. */
  count(table: Table, row: number, window: WindowInfo): number {
    return table.get(row, window.counts === 'connect' ? connects : outcomes);
  }

  /** Writes a row's numbers: `,"count":7…`. */
  write(text: TextBuffer, table: Table, row: number, window: WindowInfo): void {
    const count = this.count(table, row, window);
    text.field(',"count":', count);
    const [c, o, waiting] = [table.get(row, connects), table.get(row, outcomes), table.get(row, pending)];
    if (c > 0) text.field(',"connects":', c);
    if (o > 0 && this.subject === 'attempts') text.field(',"outcomes":', o);
    if (waiting > 0) text.field(',"pending":', waiting);
    if (this.#failed) {
      const errors = table.get(row, this.#failed);
      if (errors > 0 || (c > 0 && o === 0)) text.field(',"errors":', errors);
      if (o > 0) {
        const failed = table.get(row, this.#failed + 1);
        text.field(',"failed":', failed);
        text.field(',"failed_ratio":', round(failed / o, 6));
      }
    }
    if (this.#result) {
      for (const [i, result] of results.entries()) {
        const number = table.get(row, this.#result + i);
        if (number > 0) text.field(`,"result_${result}":`, number);
      }
    }
    this.#latency?.write(text, table, row, o > 0);
    if (this.#rate && window.span > 0) text.field(',"rate":', round((count * 1e6) / window.span, 3));
    if (this.#first) this.#writeTime(text, 'first', table.get(row, this.#first));
    if (this.#last) this.#writeTime(text, 'last', table.get(row, this.#last));
    this.#connections?.write(text, table, row);
  }

  #writeTime(text: TextBuffer, name: string, time: number): void {
    if (Number.isFinite(time)) text.ascii(`,"${name}":"${timeText(time)}"`);
  }

  /** Writes the numbers of distinct values, which come after all fields that the schema names. */
  writeDistinct(text: TextBuffer, table: Table, row: number): void {
    for (const { name, sketch } of this.#distinct) {
      const slots = (table.sketches[sketch] as Table['sketches'][number]).of(row, table.rows);
      text.field(`,"distinct_${name}":`, distinct(slots));
      text.ascii(`,"distinct_${name}_sketch":"${encode(slots, 0)}"`);
    }
  }
}

function lacks(what: string, measure: string): RuntimeError {
  return new RuntimeError(`a summary has no ${what}; add --measure ${measure} to the aggregate that wrote it`);
}

function round(number: number, digits: number): number {
  return Math.round(number * 10 ** digits) / 10 ** digits;
}
