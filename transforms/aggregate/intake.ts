import type { Summary } from '../../schemas/generated/events.js';
import type { Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';
import { RuntimeError } from '../../schemas/pipe/messages/errors.js';
import type { ScannedLines } from '../../schemas/pipe/scan/scanned-lines.js';
import { largestOf, numbersIn } from './connections.js';
import type { Emitter } from './emit.js';
import type { GatheredLines } from './gather.js';
import { covers, fields, type GroupField, type Key } from './key.js';
import { countColumns, type Measures, type Subject } from './measure.js';
import { addMissing, type MissingBySource, nothingMissing, type Pane } from './pane.js';
import type { WindowSets } from './sets.js';
import { parseTime } from './time.js';
import { Total } from './total.js';

const tsField = new LineField('ts');
const repeatField = new LineField('repeat');

/** Adds each input line to its window's pane, in the row of its group. */
export class Intake {
  /** Events since the last report that fit no window, because it was closed or their time is far ahead. */
  late = 0;
  early = 0;
  readonly total = new Total();
  /** Whether there was an event. */
  any = false;
  /** Whether a window may be over. */
  due = false;
  readonly #parsedBy = new Map<string, GroupField[]>();
  /** Whether pending attempts are counted. They are not with a step of ts, because such a group has no window end. */
  readonly #gauge: boolean;
  #unassigned: MissingBySource | undefined; // for the first window

  constructor(
    private readonly key: Key,
    private readonly subject: Subject,
    private readonly measures: Measures,
    private readonly windows: WindowSets,
    private readonly emitter: Emitter,
  ) {
    this.#gauge = key.fields.every(({ step }) => step === 0);
  }

  event(line: Line): void {
    const ts = line.locate(tsField) ? parseTime(line.raw, line.from + 1) : 0;
    const times = line.locate(repeatField) ? line.number(repeatField) : 1;
    if (times > 1 && !this.#fits(times)) return;
    if (line.type === 'outcome') this.#endAttempt(line, ts);
    const pane = this.#at(line, ts, times);
    if (!pane) return;
    pane.noteTime(ts);
    if (line.type === 'connect') this.emitter.noteConnect(ts);
    this.key.read(line);
    const row = pane.row(this.key);
    this.measures.event(pane.table, row, line, ts, times);
  }

  /** Tracks the attempt of a pending event until its outcome comes. The event itself is not counted. */
  pending(line: Line): void {
    const ts = line.locate(tsField) ? parseTime(line.raw, line.from + 1) : 0;
    const pane = this.#at(line, ts, 0);
    pane?.noteTime(ts);
    this.key.read(line);
    if (this.#gauge && !this.windows.current.pending.start(line, this.key, ts))
      this.#missing(pane ?? this.windows.current.current).own.untracked++;
  }

  /** Adds a closed or open event, which is not an attempt. */
  connection(line: Line): void {
    if (!this.measures.takes(line.type)) return;
    const ts = line.locate(tsField) ? parseTime(line.raw, line.from + 1) : 0;
    if (!this.#fits(largestOf(line))) return;
    const pane = this.#at(line, ts, 1);
    if (!pane) return;
    pane.noteTime(ts);
    this.key.read(line);
    this.measures.connection(pane.table, pane.row(this.key), line);
  }

  summary(line: Line): void {
    const event = line.event as Summary;
    const start = time(event.ts);
    const end = Math.max(time(event.end), start + 1);
    if (!this.windows.current.fits(start, end)) {
      throw new RuntimeError(
        `a summary from ${event.ts} to ${event.end} does not fit in a window; make --every and --step multiples of those of the aggregate that wrote it`,
      );
    }
    if (!this.#fits(largestNumber(event))) return;
    const pane = this.#at(line, start, event.count);
    if (!pane) return;
    this.emitter.summaries = true;
    pane.noteTime(start);
    pane.noteTime(end - 1);
    if (event.connects !== undefined) this.emitter.noteConnect(start);
    pane.missing.summaries.lost += event.lost ?? 0;
    pane.missing.summaries.invalid += event.invalid ?? 0;
    pane.missing.summaries.untracked += event.untracked ?? 0;
    const { pending = 0 } = event;
    let row = 0;
    if (covers(this.key.fields, event.other ? [] : this.#fieldsOf(event.by), start, end)) {
      this.key.read(line);
      row = pane.row(this.key);
    } else {
      const sameBy = event.other && event.by === this.emitter.by;
      pane.eachMax += sameBy ? (event.each_max ?? 0) : Math.max(event.count, pending, event.closed ?? 0);
    }
    if (this.#gauge) pane.gauges.add(row > 0 ? this.key : undefined, start, end, pending);
    this.measures.summary(pane.table, row, event);
  }

  lost(line: Line): void {
    const ts = line.field('ts');
    const count = line.field('count') as number;
    const where = line.field('where') as string;
    if (where === 'update') return; // not an attempt: the outcome of its attempt has come or follows
    if (where === 'close' && !this.measures.takes('closed')) return; // not an attempt either
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

  /** Adds the lines from `from` on that belong to the current pane. Returns the index of the first that does not. */
  many(lines: GatheredLines, from: number, scanned: ScannedLines): number {
    const to = this.windows.observeRun(lines, from, scanned);
    if (to === from) return from;
    const pane = this.windows.current.current as Pane;
    const end = from + pane.add(lines.bytes(from, to), to - from);
    for (let at = from; at < end; at++) {
      const ts = lines.time(at);
      pane.noteTime(ts);
      if (lines.tag(at) === countColumns.connects) this.emitter.noteConnect(ts);
    }
    if (this.windows.all.some(({ pending }) => pending.size > 0)) {
      for (let at = from; at < end; at++)
        if (lines.tag(at) === countColumns.outcomes) this.#endAttempt(scanned.line(at), lines.time(at));
    }
    if (!this.measures.countsOnly) {
      const { table } = pane;
      const start = lines.start(from);
      for (let at = from; at < end; at++)
        this.measures.addValues(table, table.added(lines.start(at) - start), scanned.line(at), lines.time(at), 1);
    }
    return end;
  }

  /** Counts invalid input lines as missing from the window. */
  invalid(count: number): void {
    this.#missing(this.windows.current.current).own.invalid += count;
  }

  #at(line: Line, ts: number, count: number): Pane | undefined {
    this.any = true;
    const trusted = this.windows.observe(line, ts);
    if (this.windows.advance()) this.due = true;
    const { current } = this.windows;
    const pane = current.pane(ts, trusted);
    if (pane) {
      if (this.#unassigned) addMissing(pane.missing, this.#unassigned);
      this.#unassigned = undefined;
    } else {
      if (current.isOver(ts)) this.late += count;
      else this.early += count;
      this.#missing(current.current).own.lost += count;
    }
    return pane;
  }

  /** Returns whether a line's count can be added. If not, counts the line as missing from the window. */
  #fits(count: number): boolean {
    if (this.total.add(count)) return true;
    this.#missing(this.windows.current.current).own.invalid++;
    return false;
  }

  /** Ends a pending attempt, which may be tracked in any timeline. */
  #endAttempt(line: Line, ts: number): void {
    for (const { pending } of this.windows.all) pending.end(line, ts);
  }

  /** Returns the counts of a pane. Before the first pane they are those for the first window. */
  #missing(pane: Pane | undefined): MissingBySource {
    if (pane) return pane.missing;
    this.#unassigned ??= nothingMissing();
    return this.#unassigned;
  }

  /** Parses a summary's `by`. Each text is parsed once. */
  #fieldsOf(by: string): GroupField[] {
    let parsed = this.#parsedBy.get(by);
    if (!parsed) {
      parsed = parseBy(by);
      if (this.#parsedBy.size < 100) this.#parsedBy.set(by, parsed);
    }
    return parsed;
  }
}

const time = (text: string) => parseTime(Buffer.from(text, 'latin1'), 0);

/** Returns the largest of a summary's numbers that are added up. */
function largestNumber(summary: Summary): number {
  const { count, connects = 0, outcomes = 0, pending = 0, errors = 0, failed = 0, each_max = 0 } = summary;
  const { lost = 0, invalid = 0, untracked = 0 } = summary;
  const attempts = Math.max(count, connects, outcomes, pending, errors, failed, each_max);
  return Math.max(attempts, lost, invalid, untracked, ...numbersIn(summary));
}

function parseBy(text: string): GroupField[] {
  if (text === '') return [];
  try {
    return fields(text);
  } catch {
    return []; // from a later version, whose fields are unknown
  }
}
