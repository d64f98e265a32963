import type { Parsed } from '../../schemas/pipe/command/options.js';
import type { Line } from '../../schemas/pipe/line/line.js';
import { type Metric, metric } from '../../schemas/pipe/metrics/text.js';
import { GatheredLines, GatherPlan } from '../../schemas/pipe/scan/gather.js';
import type { ScannedLines } from '../../schemas/pipe/scan/scanned-lines.js';
import type { Output, Stage } from '../../schemas/pipe/stage/stage.js';
import { chosenTypes } from '../filter/types.js';
import { Emit } from './emit.js';
import { Idle } from './idle.js';
import { Intake } from './intake.js';
import { addresses, isWhole, Key, sayMissed } from './key.js';
import { always, Measures, measures, usual, usualOfLookups } from './measure.js';
import { check, type options, type Subject, subjectOf, usualGrace, usualGroups } from './options.js';
import { checkField, orderBy } from './order.js';
import { WindowSets } from './sets.js';

/** Of more fields gather.h knows nothing. */
const mostGathered = 32;

/** Fields that a summary has, or may have, whatever is measured. */
const ofAll = ['type', 'v', 'ts', 'end', 'by', 'other'];

/** Counts and measures attempts, or look-ups, by group and window. Its parts: windows of panes of a table of groups, each with measures. */
export class Aggregate implements Stage {
  readonly name = 'aggregate';
  readonly types: readonly string[];
  readonly ends: readonly string[];
  readonly filters: Record<string, unknown>;
  readonly #subject: Subject;
  readonly #key: Key;
  readonly #gather: GatherPlan | undefined;
  readonly #measures: Measures;
  readonly #windows: WindowSets;
  readonly #emit: Emit;
  readonly #idle = new Idle();
  readonly #intake: Intake;
  readonly #every: boolean;

  constructor({ values, given }: Parsed<typeof options>) {
    const { types, ends } = chosenTypes(values);
    this.types = [...types, 'summary', 'lost'];
    this.ends = ends;
    this.#subject = subjectOf(types, values);
    const { by = [], every, step, grace = usualGrace } = values;
    const { measure = measures(this.#subject === 'dns' ? usualOfLookups : usual) } = values;
    check(values, by);
    this.filters = given;
    this.#every = every !== undefined;
    this.#key = new Key(by, types);
    const columns = { connect: always.connects, outcome: always.outcomes, dns: always.outcomes };
    const tags = Object.fromEntries(Object.entries(columns).filter(([type]) => types.includes(type)));
    if (by.length <= mostGathered && by.every(isWhole))
      this.#gather = new GatherPlan(
        by.map(({ name }) => name),
        addresses,
        tags,
      );
    this.#measures = new Measures(measure, this.#subject);
    const told = [...this.#measures.names, ...by.map(({ name }) => name)];
    if (values.orderBy) checkField('--order-by', values.orderBy.name, told);
    for (const name of values.having?.fields ?? []) checkField('--having', name, [...told, ...ofAll]);
    this.#windows = new WindowSets(
      { ...(every && { every }), ...(step && { step }), grace },
      this.#measures.shape,
      values.maxGroups ?? usualGroups,
    );
    this.#emit = new Emit(this.#windows, this.#measures, by, {
      most: Math.min(values.maxGroups ?? usualGroups, values.top ?? Number.POSITIVE_INFINITY),
      orderBy: values.orderBy ?? (values.top ? orderBy('count') : undefined),
      having: values.having?.holds,
      count: values.count,
      every: every !== undefined,
    });
    this.#intake = new Intake(this.#key, this.#subject, this.#measures, this.#windows, this.#emit);
  }

  line(line: Line, out: Output): void {
    if (line.type === 'lost') {
      this.#intake.lost(line);
      out.pass(line);
      return;
    }
    if (line.type === 'summary') {
      if ((line.field('events') ?? 'attempts') !== this.#subject) {
        out.pass(line); // it counts something else
        return;
      }
      this.#intake.summary(line);
    } else if (line.type === 'pending') this.#intake.pending(line);
    else this.#intake.event(line);
    out.drop(); // it is counted, and its group goes on later
    if (this.#intake.due) this.#pump(out);
  }

  /** Takes plain lines: all that go where the last one went at once, the others one by one. */
  lines(scanned: ScannedLines, out: Output): number {
    if (!this.#gather || this.#intake.due) return 0;
    const lines = new GatheredLines(scanned.gathered, scanned.gather(this.#gather));
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

  /** Lines of the input that were no events are missing from the window too. */
  invalid(count: number): void {
    this.#intake.invalid(count);
  }

  flush(out: Output): void {
    const intake = this.#intake;
    if (this.#windows.advanceIdle()) intake.due = true;
    if (this.#every) this.#tellLate(out); // else at the end, with the groups
    if (intake.due) this.#pump(out);
    if (intake.due) out.wake();
    else this.#idle.after(this.#windows.due, out.wake);
  }

  finish(out: Output): boolean {
    this.#tellLate(out);
    return this.#emit.more(out, true);
  }

  metrics(): Metric[] {
    const groups = this.#windows.all.reduce((sum, windows) => sum + windows.groups, 0);
    return [metric('synpipe_aggregate_groups', 'gauge', 'Groups kept, of all open windows.', groups)];
  }

  end(): void {
    this.#idle.end();
    if (this.#intake.any) sayMissed(this.name, this.#key);
  }

  /** Tells of windows that are over, as much as goes out at once. */
  #pump(out: Output): void {
    this.#intake.due = this.#emit.more(out, false);
  }

  #tellLate(out: Output): void {
    const { late, early, total } = this.#intake;
    if (late > 0) out.lost('late', late);
    if (early > 0) out.lost('early', early);
    if (total.refused > 0) out.lost('too large', total.refused);
    this.#intake.late = this.#intake.early = total.refused = 0;
  }
}
