import type { Summary } from '../../schemas/generated/events.js';
import { RuntimeError } from '../../schemas/pipe/errors.js';
import { Field as LineField } from '../../schemas/pipe/field.js';
import type { Line } from '../../schemas/pipe/line.js';
import { type Metric, metric } from '../../schemas/pipe/metrics/text.js';
import type { Parsed } from '../../schemas/pipe/options.js';
import { Gather, GatheredLines } from '../../schemas/pipe/scan/gather.js';
import type { Scanned } from '../../schemas/pipe/scan/scanned.js';
import type { Output, Stage } from '../../schemas/pipe/stage.js';
import { Emit } from './emit.js';
import { Idle } from './idle.js';
import { addresses, enough, type Field, fields, isWhole, Key } from './key.js';
import { always, Measures, measures, usual } from './measure.js';
import { check, type options, usualGrace, usualGroups } from './options.js';
import { checkOrder, orderBy } from './order.js';
import { addMissing, type Missing, nothingMissing, type Pane } from './pane.js';
import { parseTime } from './time.js';
import { Windows } from './windows.js';

const tsField = new LineField('ts');
const repeatField = new LineField('repeat');

/** Of more fields gather.h knows nothing. */
const mostGathered = 32;

/** Counts and measures attempts by group and window. Its parts: windows of panes of a table of groups, each with measures. */
export class Aggregate implements Stage {
  readonly name = 'aggregate';
  readonly types = ['connect', 'outcome', 'summary', 'lost'];
  readonly filters: Record<string, unknown>;
  readonly #key: Key;
  readonly #gather: Gather | undefined;
  readonly #measures: Measures;
  readonly #windows: Windows;
  readonly #emit: Emit;
  readonly #idle = new Idle();
  readonly #theirs = new Map<string, Field[]>();
  #late = 0;
  #waiting: Missing | undefined; // for the first window
  #due = false;

  constructor({ values, given }: Parsed<typeof options>) {
    const { by = [], every, step, grace = usualGrace, measure = measures(usual) } = values;
    check(values, by);
    this.filters = given;
    this.#key = new Key(by);
    const tags = { connect: always.connects, outcome: always.outcomes };
    if (by.length <= mostGathered && by.every(isWhole))
      this.#gather = new Gather(
        by.map(({ name }) => name),
        addresses,
        tags,
      );
    this.#measures = new Measures(measure);
    if (values.orderBy) checkOrder(values.orderBy, [...this.#measures.names, ...by.map(({ name }) => name)]);
    this.#windows = new Windows(
      { ...(every && { every }), ...(step && { step }), grace },
      this.#measures.shape,
      values.maxGroups ?? usualGroups,
    );
    this.#emit = new Emit(this.#windows, this.#measures, by, {
      most: Math.min(values.maxGroups ?? usualGroups, values.top ?? Number.POSITIVE_INFINITY),
      orderBy: values.orderBy ?? (values.top ? orderBy('count') : undefined),
      having: values.having,
      count: values.count,
      every: every !== undefined,
    });
  }

  line(line: Line, out: Output): void {
    if (line.type === 'lost') {
      this.#lost(line);
      out.pass(line);
      return;
    }
    if (line.type === 'summary') this.#summary(line);
    else this.#event(line);
    out.drop(); // it is counted, and its group goes on later
    if (this.#due) this.#pump(out);
  }

  /** Takes plain lines: all that go where the last one went at once, the others one by one. */
  lines(scanned: Scanned, out: Output): number {
    if (!this.#gather || this.#due) return 0;
    const lines = new GatheredLines(scanned.gathered, scanned.gather(this.#gather));
    for (let at = 0; at < lines.count; at++) {
      at = this.#many(lines, at, scanned, out);
      if (at === lines.count) break;
      this.line(scanned.line(at), out);
      if (this.#due) return at + 1;
    }
    return lines.count;
  }

  /** Takes lines from one on that go into the current pane. Returns where the next one is. */
  #many(lines: GatheredLines, from: number, scanned: Scanned, out: Output): number {
    let to = from;
    while (to < lines.count && this.#windows.holds(lines.time(to))) to++;
    if (to === from) return from;
    const pane = this.#windows.current as Pane;
    const end = from + pane.add(lines.bytes(from, to), to - from);
    for (let at = from; at < end; at++) {
      const ts = lines.time(at);
      if (ts > this.#idle.newest) this.#idle.newest = ts;
      if (ts < pane.least) pane.least = ts;
      if (ts > pane.largest) pane.largest = ts;
      if (lines.tag(at) === always.connects) this.#emit.connect(ts);
    }
    if (!this.#measures.counts) {
      const { table } = pane;
      const start = lines.start(from);
      for (let at = from; at < end; at++)
        this.#measures.more(table, table.added(lines.start(at) - start), scanned.line(at), lines.time(at), 1);
    }
    out.drop(end - from);
    return end;
  }

  /** Lines of the input that were no events are missing from the window too. */
  invalid(count: number): void {
    this.#missing(this.#windows.current).own.invalid += count;
  }

  flush(out: Output): void {
    if (this.#windows.advance(this.#idle.now())) this.#due = true;
    if (this.#late > 0) out.lost('late', this.#late);
    this.#late = 0;
    if (this.#due) this.#pump(out);
    if (this.#due) out.wake();
    else this.#idle.at(this.#windows.due, out.wake);
  }

  finish(out: Output): boolean {
    if (this.#late > 0) out.lost('late', this.#late);
    this.#late = 0;
    return this.#emit.more(out, true);
  }

  metrics(): Metric[] {
    return [metric('synpipe_aggregate_groups', 'gauge', 'Groups kept, of all open windows.', this.#windows.groups)];
  }

  end(): void {
    this.#idle.end();
  }

  /** Tells of windows that are over, as much as goes out at once. */
  #pump(out: Output): void {
    this.#due = this.#emit.more(out, false);
  }

  #at(ts: number, count: number): Pane | undefined {
    if (ts > this.#idle.newest) this.#idle.newest = ts;
    if (this.#windows.advance(ts)) this.#due = true;
    const pane = this.#windows.pane(ts);
    if (pane) {
      if (this.#waiting) addMissing(pane.missing, this.#waiting);
      this.#waiting = undefined;
    } else {
      this.#late += count;
      this.#missing(this.#windows.current).own.lost += count;
    }
    return pane;
  }

  /** Where to note what is missing. */
  #missing(pane: Pane | undefined): Missing {
    if (pane) return pane.missing;
    this.#waiting ??= nothingMissing();
    return this.#waiting;
  }

  #event(line: Line): void {
    const ts = line.locate(tsField) ? parseTime(line.raw, line.from + 1) : 0;
    const times = line.locate(repeatField) ? line.number(repeatField) : 1;
    const pane = this.#at(ts, times);
    if (!pane) return;
    if (ts < pane.least) pane.least = ts;
    if (ts > pane.largest) pane.largest = ts;
    if (line.type === 'connect') this.#emit.connect(ts);
    this.#key.read(line);
    const row = pane.row(this.#key);
    this.#measures.event(pane.table, row, line, ts, times);
  }

  #summary(line: Line): void {
    const event = line.event as Summary;
    const start = time(event.ts);
    const end = Math.max(time(event.end), start + 1);
    if (!this.#windows.fits(start, end)) {
      throw new RuntimeError(
        `a summary from ${event.ts} to ${event.end} fits in no window; make --every and --step multiples of its aggregate's`,
      );
    }
    const pane = this.#at(start, event.count);
    if (!pane) return;
    this.#emit.summaries = true;
    pane.least = Math.min(pane.least, start);
    pane.largest = Math.max(pane.largest, end - 1);
    if (event.connects !== undefined) this.#emit.connect(start);
    pane.missing.summaries.lost += event.lost ?? 0;
    pane.missing.summaries.invalid += event.invalid ?? 0;
    let theirs = this.#theirs.get(event.by);
    if (!theirs) {
      theirs = parseBy(event.by);
      if (this.#theirs.size < 100) this.#theirs.set(event.by, theirs);
    }
    let row = 0;
    if (enough(this.#key.fields, event.other ? [] : theirs, start, end)) {
      this.#key.read(line);
      row = pane.row(this.#key);
    } else {
      const alike = event.other && event.by === this.#emit.by;
      pane.eachMax += alike ? (event.each_max ?? 0) : event.count;
    }
    this.#measures.summary(pane.table, row, event);
  }

  #lost(line: Line): void {
    const ts = line.field('ts');
    const count = line.field('count') as number;
    const pane = (typeof ts === 'string' && this.#windows.pane(time(ts))) || this.#windows.current;
    const missing = this.#missing(pane).events;
    if (line.field('where') === 'invalid') missing.invalid += count;
    else missing.lost += count;
  }
}

const time = (text: string) => parseTime(Buffer.from(text, 'latin1'), 0);

function parseBy(text: string): Field[] {
  if (text === '') return [];
  try {
    return fields(text);
  } catch {
    return []; // of a later version: it says nothing of our fields
  }
}
