import { attemptTypes } from '../schemas/attempts.js';
import type { Dns, Lost, Summary } from '../schemas/generated/events.js';
import { defineCommand } from '../schemas/pipe/command/command.js';
import { list, type Options, oneOf } from '../schemas/pipe/command/options.js';
import { isTerminal } from '../schemas/pipe/io/fd.js';
import type { Output, Stage } from '../schemas/pipe/stage/stage.js';
import { type Attempt, attempts } from './table/attempts.js';
import { type Column, heading, lostText, ready, row } from './table/cells.js';
import { Keys } from './table/keys.js';
import { live } from './table/live.js';
import { lookups } from './table/lookups.js';
import { fits, summaries } from './table/summaries.js';

const showable = [...attemptTypes, 'dns'];

const options = {
  type: {
    value: 'TYPES',
    parse: list(oneOf(...showable)),
    words: showable,
    help: 'Which events to show as rows: a list of connect, outcome, pending, dns (default connect,outcome,pending). Summaries are always shown.',
  },
  live: {
    help: 'On a terminal, show only the newest window of summaries and update it in place, with the largest groups first; press q to quit. Elsewhere, print lines.',
  },
} satisfies Options;

/** How long a terminal stays empty before the heading is printed, to show that the command is running (ms). */
const headingDelayMs = 300;

/**
 * Prints aligned lines for people: attempts in the columns of tcpconnect, look-ups, and summaries with the fields of their
 * group. `terminalWidth` is the width of the terminal, if there is one. `types` lists the event types to show besides summaries.
 */
export function sinkTable(terminalWidth = Number.POSITIVE_INFINITY, types = attemptTypes): Stage {
  const ofAttempts = attempts(terminalWidth);
  const ofLookups = lookups();
  let ofSummaries: Column<Summary>[] = [];
  let seen: Summary | undefined; // the summary these columns were made for
  let shown: Column<never>[] | undefined; // the columns of the last heading
  let timer: NodeJS.Timeout | undefined;
  let due = false;
  const begin = (out: Output) => {
    if (shown) return;
    shown = (types.some((type) => attemptTypes.includes(type)) ? ofAttempts : ofLookups) as Column<never>[];
    out.text(heading(shown));
  };
  return {
    name: 'sink-table',
    sink: true,
    open(out) {
      if (terminalWidth === Number.POSITIVE_INFINITY) return;
      timer = setTimeout(() => {
        due = true;
        out.wake();
      }, headingDelayMs);
    },
    line(line, out) {
      const put = <T>(columns: Column<T>[], event: T): void | Promise<void> => {
        const texts = columns.map(({ text }) => text(event));
        const print = () => {
          if (shown !== columns) out.text(heading(columns as Column<never>[]));
          shown = columns as Column<never>[];
          out.text(row(shown, texts));
          out.stored(1);
        };
        const loading = ready(texts);
        return loading ? loading.then(print) : print();
      };
      if (types.includes(line.type))
        return line.type === 'dns' ? put(ofLookups, line.event as Dns) : put(ofAttempts, line.event as Attempt);
      if (line.type === 'summary') {
        const event = line.event as Summary;
        if (seen?.by !== event.by || seen.events !== event.events) [seen, ofSummaries] = [event, summaries(event)];
        else if (!fits(ofSummaries, event)) {
          seen = { ...seen, ...event }; // keeps the columns that were shown before
          ofSummaries = summaries(seen);
        }
        return put(ofSummaries, event);
      }
      if (line.type !== 'lost') return out.drop();
      out.text(lostText(line.event as Lost));
      out.stored(1);
    },
    flush(out) {
      if (due) begin(out);
      due = false;
    },
    finish(out) {
      begin(out);
      return false;
    },
    end() {
      clearTimeout(timer);
    },
  };
}

export const command = defineCommand({
  name: 'sink-table',
  summary: 'prints events as an aligned table, like tcpconnect',
  usage: '[OPTION]…',
  examples: [
    ['collector | sink-table', 'watch the connections of this machine'],
    ['collector | aggregate --by comm,dest --every 5s | sink-table --live', 'see what connects most right now'],
    ['collector --dns | sink-table --type dns', 'see which names this machine looks up'],
  ],
  options,
  notes: `Times are local. The time of an attempt is when its call was made. A pending attempt gets one line, and another when it
has ended. If the name of an address is known, it is shown instead, with a "?" if it is a guess (name_ambiguous).
Look-ups are shown if --type includes dns. Lost events are reported between the lines. Events of other types are not
shown.`,
  stage: ({ values }) => {
    const terminal = isTerminal(1); // checked first, because process.stdout is slow to load
    return values.live && terminal && process.stdout.isTTY
      ? live(process.stdout, new Keys())
      : sinkTable(terminal && process.stdout.isTTY ? process.stdout.columns || 80 : undefined, values.type);
  },
});
