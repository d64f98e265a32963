import type { Summary } from '../schemas/generated/events.js';
import { defineCommand } from '../schemas/pipe/command.js';
import { RuntimeError, UsageError } from '../schemas/pipe/errors.js';
import { Field as LineField } from '../schemas/pipe/field.js';
import type { Line } from '../schemas/pipe/line.js';
import { type Given, integer, type Options, oneOf, type Parsed, parseGiven } from '../schemas/pipe/options.js';
import type { Output, Stage } from '../schemas/pipe/stage.js';
import { where } from '../schemas/where/where.js';
import { Emit } from './aggregate/emit.js';
import { Idle } from './aggregate/idle.js';
import { enough, type Field, fields, Key } from './aggregate/key.js';
import { Measures, measures, usual } from './aggregate/measure.js';
import { newOnly } from './aggregate/new.js';
import { checkOrder, orderBy } from './aggregate/order.js';
import { addMissing, type Missing, nothingMissing, type Pane } from './aggregate/pane.js';
import { duration, durationText, interval, parseTime } from './aggregate/time.js';
import { Windows } from './aggregate/windows.js';
import { reserved } from './aggregate/write.js';

const usualGrace = 1e6;
const usualGroups = 1_000_000;

const options = {
  by: {
    value: 'FIELDS',
    parse: groupBy,
    help: 'What makes a group: a list of fields of the events. daddr/24 takes addresses by network, 64 bits of IPv6 ones (or daddr/24/48), ts:1m the time in steps. All events are one group, if left out.',
  },
  every: {
    value: 'TIME',
    parse: interval,
    help: "Windows of this length by the events' own time: 10s, 1m. One window to the end of input, if left out.",
  },
  step: {
    value: 'TIME',
    parse: interval,
    help: 'A window begins each TIME, so that they overlap. --every must be a multiple of it.',
  },
  grace: {
    value: 'TIME',
    parse: duration,
    help: 'How long after its end a window stays open for late events (default 1s). Later ones are counted and told as lost.',
  },
  measure: {
    value: 'MEASURES',
    parse: measures,
    help: `What is told of a group: a list of count, failed, result, latency, rate, first, last, distinct:FIELD (default ${usual}).`,
  },
  count: {
    value: 'connect|outcome',
    parse: oneOf('connect', 'outcome'),
    help: 'Which events are the attempts. By default connect events once one was seen, outcome events before: right for each --report of one collector.',
  },
  top: {
    value: 'K',
    parse: integer(1, 10_000_000),
    help: 'Tell only the first K groups of a window, and the sum of the others as one group `other`.',
  },
  'order-by': {
    value: 'FIELD',
    parse: orderBy,
    help: "Order a window's groups by a field of the summaries, largest first; FIELD:asc smallest first. With --top: count, if left out.",
  },
  'max-groups': {
    value: 'N',
    parse: integer(1, 10_000_000),
    help: `Keep the N largest groups of a window (default ${usualGroups}); what is left over is counted as one group \`other\`.`,
  },
  having: {
    value: 'EXPRESSION',
    parse: (text: string) => where(text, ['summary']),
    help: 'Tell only the groups for which this holds: as --where of filter, with the fields of the summaries. The others are counted as `other`.',
  },
  'new-only': {
    help: 'Pass the first event of each group that was never seen before, in this run or earlier ones, and nothing else.',
  },
  state: { value: 'FILE', help: 'Where --new-only keeps what was seen. One process at a time.' },
  expire: { value: 'TIME', parse: interval, help: 'With --new-only, forget a group that was not seen for TIME.' },
} satisfies Options;

function groupBy(text: string): Field[] {
  const all = fields(text);
  const bad = all.find(({ name }) => reserved.includes(name) || name.startsWith('distinct_'));
  if (bad) throw new UsageError(`cannot have ${bad.name}, which means something else in a summary`);
  return all;
}

const tsField = new LineField('ts');
const repeatField = new LineField('repeat');

/** Counts and measures attempts by group and window. Its parts: windows of panes of a table of groups, each with measures. */
class Aggregate implements Stage {
  readonly name = 'aggregate';
  readonly types = ['connect', 'outcome', 'summary', 'lost'];
  readonly filters: Record<string, unknown>;
  readonly #key: Key;
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
    const row = pane.row(this.#key.bytes, this.#key.length);
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
      row = pane.row(this.#key.bytes, this.#key.length);
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

function check({ every, step, grace }: Parsed<typeof options>['values'], by: readonly Field[]): void {
  if (step !== undefined && every === undefined) throw new UsageError('--step wants --every');
  if (grace !== undefined && every === undefined) throw new UsageError('--grace wants --every');
  if (every !== undefined && step !== undefined && every % step !== 0) {
    throw new UsageError(`--every ${durationText(every)} must be a multiple of --step ${durationText(step)}`);
  }
  const pane = step ?? every;
  const part = by.find(({ step }) => step > 0)?.step;
  if (pane !== undefined && part !== undefined && pane % part !== 0) {
    throw new UsageError(
      `--${step ? 'step' : 'every'} ${durationText(pane)} must be a multiple of the step in ts:${durationText(part)}`,
    );
  }
}

/** The stage for programs: `aggregate({ by: 'comm,dport', every: '10s' })`. Throws UsageError on a bad value. */
export function aggregate(given: Given<typeof options> = {}): Stage {
  return stage(parseGiven(options, given));
}

function stage(parsed: Parsed<typeof options>): Stage {
  const { newOnly: wanted, by, state, expire = Number.POSITIVE_INFINITY, maxGroups = usualGroups } = parsed.values;
  if (!wanted) {
    for (const name of ['state', 'expire']) {
      if (name in parsed.given) throw new UsageError(`--${name} wants --new-only`);
    }
    return new Aggregate(parsed);
  }
  const other = Object.keys(parsed.given).find((name) => !ofNewOnly.includes(name));
  if (other) throw new UsageError(`--new-only passes events as they are; leave out --${other}`);
  if (!by || state === undefined) throw new UsageError('--new-only wants --by FIELDS and --state FILE');
  return newOnly(by, state, expire, maxGroups, parsed.given);
}

const ofNewOnly = ['new-only', 'by', 'state', 'expire', 'max-groups'];

export const command = defineCommand({
  name: 'aggregate',
  summary: 'counts and measures attempts by group and window; aggregates of aggregates add up',
  usage: '[OPTION]…',
  examples: [
    [
      'collector --report outcome | aggregate --by comm,daddr,dport --every 10s | sink-table',
      'who talks to what, each ten seconds',
    ],
    ['aggregate --by name --top 20 < yesterday.ndjson', 'the twenty busiest names of a day'],
    [
      'cat host-*.ndjson | aggregate --by daddr/24 --measure count,distinct:comm',
      'summaries of several hosts become one',
    ],
  ],
  options,
  notes: `Summaries in the input are added up with the events. Other types pass, lost events too.`,
  stage,
});
