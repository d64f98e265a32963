import type { AnyEvent, Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';
import { RuntimeError, UsageError } from '../../schemas/pipe/messages/errors.js';
import { fields, Key } from './key.js';
import type { Subject } from './options.js';
import { bucketOf, decode, distinct, encode, quantile, register } from './sketch.js';
import type { ColumnRule, Table, TableShape } from './table.js';
import type { TextBuffer } from './text.js';
import { parseTime, timeText } from './time.js';

/** What all groups of a window share. */
export interface WindowInfo {
  /** µs; `end` is exclusive. */
  start: number;
  end: number;
  /** The time that rates are based on, µs; 0 if there is no rate. */
  span: number;
  /** Which events count as attempts. Events of the other type are about the same attempts. */
  counts: 'connect' | 'outcome';
}

const results = ['established', 'refused', 'timeout', 'unreachable', 'reset', 'denied', 'aborted', 'error'];
const quantiles = { p50: 0.5, p90: 0.9, p99: 0.99 };
const simple = ['count', 'failed', 'result', 'latency', 'rate', 'first', 'last'];
const [firsts, thirds] = [0, 2].map((at) => results.map((result) => result.charCodeAt(at))) as [number[], number[]];
export const defaultMeasures = 'count,failed,result,latency';
export const defaultMeasuresOfLookups = 'count,failed,latency';

/** Parses the names of measures: `count,latency,distinct:daddr`. Throws UsageError. */
export function measures(text: string): string[] {
  const all = text.split(',').map((part) => part.trim());
  for (const name of all) {
    if (simple.includes(name)) continue;
    const [, field] = /^distinct:([a-z]\w*)$/.exec(name) ?? [];
    if (!field) throw new UsageError(`needs one or more of ${simple.join(', ')}, distinct:FIELD, not "${name}"`);
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
  readonly #latency: number;
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
    this.#latency = columns('latency', 'sum', 'min', 'max', 'sum'); // sum, minimum, maximum, number
    this.#first = columns('first', 'min');
    this.#last = columns('last', 'max');
    this.#rate = names.includes('rate');
    this.#distinct = [...new Set(names)]
      .filter((name) => name.startsWith('distinct:'))
      .map((measure, at) => {
        const name = measure.slice(9);
        return { name, key: new Key(fields(name)), sketch: at + (this.#latency ? 1 : 0) };
      });
    const sketches = [...(this.#latency ? ['sum' as const] : []), ...this.#distinct.map(() => 'max' as const)];
    this.shape = { columns: this.#columns, sketches };
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
      if (this.#latency && line.locate(latencyField)) this.#addLatency(table, row, line.number(latencyField), times);
    } else {
      if (this.#failed || this.#result) {
        const result = line.locate(resultField) ? resultAt(line.raw, line.from + 1) : 0;
        if (this.#failed && result !== established) (numbers[base + this.#failed + 1] as number) += times;
        if (this.#result) (numbers[base + this.#result + result] as number) += times;
      }
      if (this.#latency) this.#addLatency(table, row, line.number(latencyField), times);
    }
    if (this.#first && time < (numbers[base + this.#first] as number)) numbers[base + this.#first] = time;
    if (this.#last && time > (numbers[base + this.#last] as number)) numbers[base + this.#last] = time;
    for (const { key, sketch } of this.#distinct) {
      if (!key.read(line)) continue;
      const { slot, rank } = register(key.buffer, key.length);
      table.sketches[sketch]?.add(row, slot, rank);
    }
  }

  #addLatency(table: Table, row: number, latency: number, times: number): void {
    const { numbers } = table;
    const at = table.base(row) + this.#latency;
    (numbers[at] as number) += latency * times;
    if (latency < (numbers[at + 1] as number)) numbers[at + 1] = latency;
    if (latency > (numbers[at + 2] as number)) numbers[at + 2] = latency;
    (numbers[at + 3] as number) += times;
    table.sketches[0]?.add(row, bucketOf(latency), times);
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
    if (this.#latency && ended > 0) {
      const at = this.#latency;
      const sum = decode(text('latency_sketch', 'latency'), (slot, value) => {
        table.sketches[0]?.add(row, slot, value);
        table.add(row, at + 3, value);
      });
      table.add(row, at, sum);
      if (summary.latency_min_us !== undefined) table.setMin(row, at + 1, number('latency_min_us'));
      if (summary.latency_max_us !== undefined) table.setMax(row, at + 2, number('latency_max_us'));
    }
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
      ...(this.#latency ? ['min', 'mean', ...Object.keys(quantiles), 'max'].map((name) => `latency_${name}_us`) : []),
      ...(this.#rate ? ['rate'] : []),
      ...(this.#first ? ['first'] : []),
      ...(this.#last ? ['last'] : []),
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
    if (this.#latency && table.get(row, this.#latency + 3) > 0) this.#writeLatency(text, table, row);
    else if (this.#latency && this.subject === 'dns' && o > 0) text.ascii(`,"latency_sketch":"${noLatencies}"`);
    if (this.#rate && window.span > 0) text.field(',"rate":', round((count * 1e6) / window.span, 3));
    if (this.#first) this.#writeTime(text, 'first', table.get(row, this.#first));
    if (this.#last) this.#writeTime(text, 'last', table.get(row, this.#last));
  }

  #writeTime(text: TextBuffer, name: string, time: number): void {
    if (Number.isFinite(time)) text.ascii(`,"${name}":"${timeText(time)}"`);
  }

  #writeLatency(text: TextBuffer, table: Table, row: number): void {
    const at = this.#latency;
    const [sum, least, largest, total] = [0, 1, 2, 3].map((i) => table.get(row, at + i)) as [
      number,
      number,
      number,
      number,
    ];
    const slots = (table.sketches[0] as Table['sketches'][number]).of(row, table.rows);
    text.field(',"latency_min_us":', least);
    text.field(',"latency_mean_us":', Math.min(Math.max(Math.round(sum / total), least), largest));
    for (const [name, q] of Object.entries(quantiles)) {
      const value = Math.min(Math.max(Math.round(quantile(slots, q, total)), least), largest);
      text.field(`,"latency_${name}_us":`, value);
    }
    text.field(',"latency_max_us":', largest);
    text.ascii(`,"latency_sketch":"${encode(slots, sum)}"`);
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

/** The sketch of look-ups without a latency, so that another aggregate can add it. */
const noLatencies = encode({ length: 0, slots: new Uint32Array(0), values: new Float64Array(0) }, 0);

function lacks(what: string, measure: string): RuntimeError {
  return new RuntimeError(`a summary has no ${what}; add --measure ${measure} to the aggregate that wrote it`);
}

function round(number: number, digits: number): number {
  return Math.round(number * 10 ** digits) / 10 ** digits;
}
