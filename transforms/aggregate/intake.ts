import type { Summary } from '../../schemas/generated/events.js';
import { RuntimeError } from '../../schemas/pipe/errors.js';
import { Field as LineField } from '../../schemas/pipe/field.js';
import type { Line } from '../../schemas/pipe/line.js';
import type { GatheredLines } from '../../schemas/pipe/scan/gather.js';
import type { Scanned } from '../../schemas/pipe/scan/scanned.js';
import type { Emit } from './emit.js';
import type { Idle } from './idle.js';
import { enough, type Field, fields, type Key } from './key.js';
import { always, type Measures } from './measure.js';
import type { Subject } from './options.js';
import { addMissing, type Missing, nothingMissing, type Pane } from './pane.js';
import { parseTime } from './time.js';
import type { Windows } from './windows.js';

const tsField = new LineField('ts');
const repeatField = new LineField('repeat');

/** Puts what comes where it belongs: its window's pane, there its group's row. */
export class Intake {
  /** Events whose window was over, since that was told. */
  late = 0;
  /** A window may be over now. */
  due = false;
  readonly #theirs = new Map<string, Field[]>();
  /** Whether attempts that wait are counted: a group of one step of ts has no window's end. */
  readonly #gauge: boolean;
  #waiting: Missing | undefined; // for the first window

  constructor(
    private readonly key: Key,
    private readonly subject: Subject,
    private readonly measures: Measures,
    private readonly windows: Windows,
    private readonly emit: Emit,
    private readonly idle: Idle,
  ) {
    this.#gauge = key.fields.every(({ step }) => step === 0);
  }

  event(line: Line): void {
    const ts = line.locate(tsField) ? parseTime(line.raw, line.from + 1) : 0;
    const times = line.locate(repeatField) ? line.number(repeatField) : 1;
    if (line.type === 'outcome') this.windows.waiting.end(line, ts);
    const pane = this.#at(ts, times);
    if (!pane) return;
    pane.saw(ts);
    if (line.type === 'connect') this.emit.connect(ts);
    this.key.read(line);
    const row = pane.row(this.key);
    this.measures.event(pane.table, row, line, ts, times);
  }

  /** A pending event counts nowhere: its attempt waits, until its outcome comes. */
  pending(line: Line): void {
    const ts = line.locate(tsField) ? parseTime(line.raw, line.from + 1) : 0;
    const pane = this.#at(ts, 0);
    pane?.saw(ts);
    this.key.read(line);
    if (this.#gauge && !this.windows.waiting.start(line, this.key, ts))
      this.#missing(pane ?? this.windows.current).own.untracked++;
  }

  summary(line: Line): void {
    const event = line.event as Summary;
    const start = time(event.ts);
    const end = Math.max(time(event.end), start + 1);
    if (!this.windows.fits(start, end)) {
      throw new RuntimeError(
        `a summary from ${event.ts} to ${event.end} fits in no window; make --every and --step multiples of its aggregate's`,
      );
    }
    const pane = this.#at(start, event.count);
    if (!pane) return;
    this.emit.summaries = true;
    pane.saw(start);
    pane.saw(end - 1);
    if (event.connects !== undefined) this.emit.connect(start);
    pane.missing.summaries.lost += event.lost ?? 0;
    pane.missing.summaries.invalid += event.invalid ?? 0;
    pane.missing.summaries.untracked += event.untracked ?? 0;
    const { pending = 0 } = event;
    let row = 0;
    if (enough(this.key.fields, event.other ? [] : this.#fieldsOf(event.by), start, end)) {
      this.key.read(line);
      row = pane.row(this.key);
    } else {
      const alike = event.other && event.by === this.emit.by;
      pane.eachMax += alike ? (event.each_max ?? 0) : Math.max(event.count, pending);
    }
    if (this.#gauge) pane.gauges.add(row > 0 ? this.key : undefined, start, end, pending);
    this.measures.summary(pane.table, row, event);
  }

  lost(line: Line): void {
    const ts = line.field('ts');
    const count = line.field('count') as number;
    const where = line.field('where') as string;
    if (where === 'update') return; // a line of an attempt whose outcome came, or will
    const ofLookups = where.startsWith('dns ');
    if (line.field('stage') === 'collector' && ofLookups !== (this.subject === 'dns')) return;
    const pane = (typeof ts === 'string' && this.windows.pane(time(ts))) || this.windows.current;
    const missing = this.#missing(pane).events;
    if (where === 'invalid') missing.invalid += count;
    else missing.lost += count;
  }

  /** Takes lines from one on that go into the current pane. Returns where the next one is. */
  many(lines: GatheredLines, from: number, scanned: Scanned): number {
    let to = from;
    while (to < lines.count && this.windows.holds(lines.time(to))) to++;
    if (to === from) return from;
    const pane = this.windows.current as Pane;
    const end = from + pane.add(lines.bytes(from, to), to - from);
    for (let at = from; at < end; at++) {
      const ts = lines.time(at);
      if (ts > this.idle.newest) this.idle.newest = ts;
      pane.saw(ts);
      if (lines.tag(at) === always.connects) this.emit.connect(ts);
    }
    const { waiting } = this.windows;
    if (waiting.size > 0) {
      for (let at = from; at < end; at++)
        if (lines.tag(at) === always.outcomes) waiting.end(scanned.line(at), lines.time(at));
    }
    if (!this.measures.counts) {
      const { table } = pane;
      const start = lines.start(from);
      for (let at = from; at < end; at++)
        this.measures.more(table, table.added(lines.start(at) - start), scanned.line(at), lines.time(at), 1);
    }
    return end;
  }

  /** Lines of the input that were no events are missing from the window too. */
  invalid(count: number): void {
    this.#missing(this.windows.current).own.invalid += count;
  }

  #at(ts: number, count: number): Pane | undefined {
    if (ts > this.idle.newest) this.idle.newest = ts;
    if (this.windows.advance(ts)) this.due = true;
    const pane = this.windows.pane(ts);
    if (pane) {
      if (this.#waiting) addMissing(pane.missing, this.#waiting);
      this.#waiting = undefined;
    } else {
      this.late += count;
      this.#missing(this.windows.current).own.lost += count;
    }
    return pane;
  }

  /** Where to note what is missing. */
  #missing(pane: Pane | undefined): Missing {
    if (pane) return pane.missing;
    this.#waiting ??= nothingMissing();
    return this.#waiting;
  }

  /** The fields of a summary's `by`, each text read once. */
  #fieldsOf(by: string): Field[] {
    let theirs = this.#theirs.get(by);
    if (!theirs) {
      theirs = parseBy(by);
      if (this.#theirs.size < 100) this.#theirs.set(by, theirs);
    }
    return theirs;
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
