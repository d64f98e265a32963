import { connectionTypes } from '../../schemas/attempts.js';
import type { Parsed } from '../../schemas/pipe/command/options.js';
import type { Line } from '../../schemas/pipe/line/line.js';
import { type Metric, metric } from '../../schemas/pipe/metrics/text.js';
import type { ScannedLines } from '../../schemas/pipe/scan/scanned-lines.js';
import type { Batch, Control, Observe, Output, Stage, Traits } from '../../schemas/pipe/stage/stage.js';
import { chosenTypes } from '../filter/types.js';
import { Emitter } from './emit.js';
import { type GatherPlan, planToGather } from './gather.js';
import { IdleTimer } from './idle.js';
import { Intake } from './intake.js';
import { Key, reportUnknownField } from './key.js';
import {
  countColumns,
  defaultMeasures,
  defaultMeasuresOfLookups,
  Measures,
  measures,
  type Subject,
} from './measure.js';
import { checkField } from './measured.js';
import { check, defaultGrace, defaultGroups, type options, subjectOf } from './options.js';
import { orderBy } from './order.js';
import { WindowSets } from './sets.js';

/** Fields that summaries have, or can have, whatever is measured. */
const commonFields = ['type', 'v', 'ts', 'end', 'by', 'other'];

/**
 * Counts and measures attempts or look-ups by group and window. A window consists of panes, a pane has a table of groups,
 * and each group has measures.
 */
export class Aggregate implements Stage {
  readonly name = 'aggregate';
  readonly types: readonly string[];
  readonly traits: Traits;
  readonly batch: Batch = { lines: (lines, out) => this.#lines(lines, out) };
  readonly observe: Observe = { metrics: () => this.#metrics() };
  readonly control: Control = { skipped: (count) => this.#intake.invalid(count) };
  readonly #subject: Subject;
  readonly #key: Key;
  readonly #gather: GatherPlan | undefined;
  readonly #measures: Measures;
  readonly #windows: WindowSets;
  readonly #emitter: Emitter;
  readonly #idle = new IdleTimer();
  readonly #intake: Intake;
  readonly #every: boolean;

  constructor({ values, given }: Parsed<typeof options>) {
    const { types, drops } = chosenTypes(values);
    this.types = [...types, 'summary', 'lost'];
    this.traits = { drops, options: given };
    this.#subject = subjectOf(types, values);
    const { by = [], every, step, grace = defaultGrace } = values;
    const { measure = measures(this.#subject === 'dns' ? defaultMeasuresOfLookups : defaultMeasures) } = values;
    check(values, by);
    this.#every = every !== undefined;
    this.#key = new Key(by, types);
    const columns = { connect: countColumns.connects, outcome: countColumns.outcomes, dns: countColumns.outcomes };
    const tags = Object.fromEntries(Object.entries(columns).filter(([type]) => types.includes(type)));
    this.#gather = planToGather(by, tags);
    this.#measures = new Measures(measure, this.#subject);
    const names = [...this.#measures.names, ...by.map(({ name }) => name)];
    if (values.orderBy) checkField('--order-by', values.orderBy.name, names, values.measure, this.#subject);
    for (const name of values.having?.fields ?? [])
      checkField('--having', name, [...names, ...commonFields], values.measure, this.#subject);
    this.#windows = new WindowSets(
      { ...(every && { every }), ...(step && { step }), grace },
      this.#measures.shape,
      values.maxGroups ?? defaultGroups,
    );
    this.#emitter = new Emitter(this.#windows, this.#measures, by, {
      most: Math.min(values.maxGroups ?? defaultGroups, values.top ?? Number.POSITIVE_INFINITY),
      orderBy: values.orderBy ?? (values.top ? orderBy('count') : undefined),
      having: values.having?.holds,
      count: values.count,
      every: every !== undefined,
    });
    this.#intake = new Intake(this.#key, this.#subject, this.#measures, this.#windows, this.#emitter);
  }

  line(line: Line, out: Output): void {
    if (line.type === 'lost') {
      this.#intake.lost(line);
      out.pass(line);
      return;
    }
    if (line.type === 'summary') {
      if ((line.field('events') ?? 'attempts') !== this.#subject) {
        out.pass(line); // the summary counts something else
        return;
      }
      this.#intake.summary(line);
    } else if (line.type === 'pending') this.#intake.pending(line);
    else if (connectionTypes.includes(line.type)) this.#intake.connection(line);
    else this.#intake.event(line);
    out.drop(); // the event is counted, and its group is written later
    if (this.#intake.due) this.#pump(out);
  }

  /** Takes plain lines. Lines for the same pane as the last one are added in a batch, the others one by one. */
  #lines(scanned: ScannedLines, out: Output): number {
    if (!this.#gather || this.#intake.due) return 0;
    const lines = this.#gather.gather(scanned);
    for (let at = 0; at < lines.count; at++) {
      const from = at;
      at = this.#intake.many(lines, from, scanned);
      out.drop(at - from);
      if (at === lines.count) break;
      this.line(scanned.line(at), out);
      if (this.#intake.due) return at + 1;
    }
    return lines.count;
  }

  flush(out: Output): void {
    const intake = this.#intake;
    if (this.#windows.advanceIdle()) intake.due = true;
    if (this.#every) this.#reportLost(out); // without --every, at the end with the groups
    if (intake.due) this.#pump(out);
    if (intake.due) out.wake();
    else this.#idle.after(this.#windows.due, out.wake);
  }

  finish(out: Output): boolean {
    this.#reportLost(out);
    return this.#emitter.write(out, true);
  }

  #metrics(): Metric[] {
    const groups = this.#windows.all.reduce((sum, windows) => sum + windows.groups, 0);
    return [metric('synpipe_aggregate_groups', 'gauge', 'Groups in all open windows.', groups)];
  }

  close(): void {
    this.#idle.end();
    if (this.#intake.any) reportUnknownField(this.name, this.#key);
  }

  /** Writes windows that are over, until the output is full. */
  #pump(out: Output): void {
    this.#intake.due = this.#emitter.write(out, false);
  }

  #reportLost(out: Output): void {
    const { late, early, total } = this.#intake;
    if (late > 0) out.lost('late', late);
    if (early > 0) out.lost('early', early);
    if (total.refused > 0) out.lost('too large', total.refused);
    this.#intake.late = this.#intake.early = total.refused = 0;
  }
}
