import type { Summary } from '../../schemas/generated/events.js';
import type { Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';
import { RuntimeError } from '../../schemas/pipe/messages/errors.js';
import type { GatheredLines } from '../../schemas/pipe/scan/gather.js';
import type { ScannedLines } from '../../schemas/pipe/scan/scanned-lines.js';
import type { Emit } from './emit.js';
import { enough, type Field, fields, type Key } from './key.js';
import { always, type Measures } from './measure.js';
import type { Subject } from './options.js';
import { addMissing, type Missing, nothingMissing, type Pane } from './pane.js';
import type { WindowSets } from './sets.js';
import { parseTime } from './time.js';
import { Total } from './total.js';

const tsField = new LineField('ts');
const repeatField = new LineField('repeat');

/** Puts what comes where it belongs: its window's pane, there its group's row. */
export class Intake {
  /** Events that went into no window, since that was reported: it was over, or far ahead. */
  late = 0;
  early = 0;
  readonly total = new Total();
  /** Whether there was an event. */
  any = false;
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
    private readonly windows: WindowSets,
    private readonly emit: Emit,
  ) {
    this.#gauge = key.fields.every(({ step }) => step === 0);
  }

  event(line: Line): void {
    const ts = line.locate(tsField) ? parseTime(line.raw, line.from + 1) : 0;
    const times = line.locate(repeatField) ? line.number(repeatField) : 1;
    if (times > 1 && !this.#fits(times)) return;
    if (line.type === 'outcome') this.#ended(line, ts);
    const pane = this.#at(line, ts, times);
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
    const pane = this.#at(line, ts, 0);
    pane?.saw(ts);
    this.key.read(line);
    if (this.#gauge && !this.windows.current.waiting.start(line, this.key, ts))
      this.#missing(pane ?? this.windows.current.current).own.untracked++;
  }

  summary(line: Line): void {
    const event = line.event as Summary;
    const start = time(event.ts);
    const end = Math.max(time(event.end), start + 1);
    if (!this.windows.current.fits(start, end)) {
      throw new RuntimeError(
        `a summary from ${event.ts} to ${event.end} fits in no window; make --every and --step multiples of its aggregate's`,
      );
    }
    if (!this.#fits(sumOf(event))) return;
    const pane = this.#at(line, start, event.count);
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
    if (!this.#fits(count)) return;
    const { current } = this.windows;
    const at = typeof ts === 'string' ? time(ts) : undefined;
    const pane = (at !== undefined && current.pane(at, this.windows.isNear(at))) || current.current;
    const missing = this.#missing(pane).events;
    if (where === 'invalid') missing.invalid += count;
    else missing.lost += count;
  }

  /** Takes lines from one on that go into the current pane. Returns where the next one is. */
  many(lines: GatheredLines, from: number, scanned: ScannedLines): number {
    const to = this.windows.goOn(lines, from, scanned);
    if (to === from) return from;
    const pane = this.windows.current.current as Pane;
    const end = from + pane.add(lines.bytes(from, to), to - from);
    for (let at = from; at < end; at++) {
      const ts = lines.time(at);
      pane.saw(ts);
      if (lines.tag(at) === always.connects) this.emit.connect(ts);
    }
    if (this.windows.all.some(({ waiting }) => waiting.size > 0)) {
      for (let at = from; at < end; at++)
        if (lines.tag(at) === always.outcomes) this.#ended(scanned.line(at), lines.time(at));
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
    this.#missing(this.windows.current.current).own.invalid += count;
  }

  #at(line: Line, ts: number, count: number): Pane | undefined {
    this.any = true;
    const trusted = this.windows.see(line, ts);
    if (this.windows.advance()) this.due = true;
    const { current } = this.windows;
    const pane = current.pane(ts, trusted);
    if (pane) {
      if (this.#waiting) addMissing(pane.missing, this.#waiting);
      this.#waiting = undefined;
    } else {
      if (current.isOver(ts)) this.late += count;
      else this.early += count;
      this.#missing(current.current).own.lost += count;
    }
    return pane;
  }

  /** Whether a line's number can be added; if not, the line is missing from the window. */
  #fits(count: number): boolean {
    if (this.total.add(count)) return true;
    this.#missing(this.windows.current.current).own.invalid++;
    return false;
  }

  /** An attempt has ended, in whatever timeline it waits. */
  #ended(line: Line, ts: number): void {
    for (const { waiting } of this.windows.all) waiting.end(line, ts);
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

/** No number of a summary that is added up is larger than this. */
function sumOf(summary: Summary): number {
  const { count, connects = 0, outcomes = 0, pending = 0, errors = 0, failed = 0, each_max = 0 } = summary;
  const { lost = 0, invalid = 0, untracked = 0 } = summary;
  return Math.max(count, connects, outcomes, pending, errors, failed, each_max, lost, invalid, untracked);
}

function parseBy(text: string): Field[] {
  if (text === '') return [];
  try {
    return fields(text);
  } catch {
    return []; // of a later version: it says nothing of our fields
  }
}
