import { attemptTypes } from '../../schemas/attempts.js';
import type { Lost, Summary } from '../../schemas/generated/events.js';
import type { Line } from '../../schemas/pipe/line/line.js';
import { printable } from '../../schemas/pipe/messages/printable.js';
import type { Output, Stage } from '../../schemas/pipe/stage/stage.js';
import { Clock } from '../terminal/clock.js';
import type { Column } from './column.js';
import { attemptColumns, lookupColumns, makeColumns } from './fields.js';
import { Interrupted } from './interrupted.js';
import { AttemptJoiner } from './join.js';
import { state } from './result.js';
import { startOf } from './start.js';
import { remarks, SummaryColumns } from './summaries.js';
import { type Row, TableWriter, type Terminal } from './writer.js';

export interface TableOptions {
  /** The terminal to fit the table to. Without it, columns are as wide as their content. */
  terminal?: Terminal | undefined;
  /** The event types to show, besides summaries. */
  types?: readonly string[] | undefined;
  /** The names of the columns of attempts and look-ups. */
  columns?: readonly string[] | undefined;
  /** Shows all columns of attempts at full width. */
  wide?: boolean | undefined;
  utc?: boolean | undefined;
  colour?: boolean;
  /** Takes each line, instead of the stage's output. */
  print?: ((line: string) => void) | undefined;
}

/** How long a terminal stays empty before the heading is printed, to show that the command is running (ms). */
const headingDelayMs = 300;

/** Prints aligned lines for people: attempts, look-ups, and summaries with the fields of their group. */
export function rows(options: TableOptions): Stage {
  const { terminal, types = attemptTypes, wide = false } = options;
  const clock = new Clock(options.utc);
  const time = (ts: string) => (terminal ? clock.time(ts) : `${clock.day(ts)} ${clock.time(ts)}`);
  const own = options.columns && makeColumns(options.columns, time);
  const asked = own?.map(({ rank: _, ...column }) => column); // never left out
  const ofAttempts = asked ?? attemptColumns(time, wide);
  const ofLookups = asked ?? lookupColumns(time);
  const ofSummaries = new SummaryColumns(time);
  const writer = new TableWriter(terminal, clock, options.colour ?? false, wide, options.print);
  const joiner = types.includes('connect') && types.length > 1 ? new AttemptJoiner() : undefined;
  const interrupted = terminal && new Interrupted();
  let timer: NodeJS.Timeout | undefined;
  let idle: NodeJS.Timeout | undefined;
  let due: 'heading' | 'held' | undefined;

  const rowOf = <T>(columns: readonly Column<T>[], from: T, ts: string, state: Row['state']): Row => ({
    columns,
    texts: columns.map(({ text }) => text(from)),
    state,
    day: terminal ? clock.day(ts) : '',
  });
  const begin = (out: Output) => {
    const first = types.some((type) => attemptTypes.includes(type)) ? ofAttempts : ofLookups;
    if (!writer.hasBegun) writer.begin(out, first);
  };
  const onEvent = (line: Line, out: Output) => {
    interrupted?.add(line.event);
    const columns = line.type === 'dns' ? ofLookups : ofAttempts;
    const passes = !joiner || line.type === 'dns' || joiner.passes(line);
    if (passes && writer.event(out, columns, line)) return;
    out.stored(1);
    const row = rowOf(columns, line, startOf(line), state(line));
    return writer.rows(out, passes ? [row] : joiner.take(line, row));
  };

  return {
    name: 'sink-table',
    traits: { sink: true },
    open(out) {
      if (!terminal) return;
      terminal.on('resize', ignore); // makes `columns` follow the terminal
      timer = setTimeout(() => {
        due ??= 'heading';
        out.wake();
      }, headingDelayMs);
    },
    line(line, out) {
      if (types.includes(line.type)) return onEvent(line, out);
      if (line.type === 'summary') {
        const event = line.event as Summary;
        interrupted?.add(event);
        out.stored(1);
        return writer.rows(out, [rowOf(ofSummaries.of(event), event, event.ts, remarks(event) ? 'failed' : 'other')]);
      }
      if (line.type !== 'lost') return out.drop();
      interrupted?.add(line.event);
      writer.alert(out, lostText(line.event as Lost));
      out.stored(1);
    },
    flush(out) {
      const now = due;
      due = undefined;
      clearTimeout(idle);
      if (now === 'heading') begin(out);
      if (!joiner?.holds) return;
      if (now === 'held') return writer.rows(out, joiner.release());
      idle = setTimeout(() => {
        due = 'held';
        out.wake();
      }, joiner.patience);
    },
    async finish(out) {
      await writer.rows(out, joiner?.release() ?? []);
      begin(out);
      const text = await interrupted?.text();
      if (text !== undefined) writer.sum(out, text);
      return false;
    },
    control: {
      asked() {
        interrupted?.now();
        if (terminal) writer.overwrite();
      },
    },
    close() {
      clearTimeout(timer);
      clearTimeout(idle);
      terminal?.off('resize', ignore);
    },
  };
}

const ignore = () => {};

function lostText({ count, stage, where }: Lost): string {
  return printable(`-- ${count} lost in ${stage}: ${where} --`);
}
