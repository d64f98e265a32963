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
    help: 'Events to show as rows: a list of connect, outcome, pending, dns (default connect,outcome,pending). Summaries always have rows.',
  },
  live: {
    help: 'On a terminal, draw the newest window of summaries in place, the largest groups first; elsewhere print lines. q ends it.',
  },
} satisfies Options;

/** On a terminal that stays empty so long a heading shows that this runs, ms. */
const signOfLife = 300;

/**
 * Aligned lines for people: attempts in the columns of tcpconnect, look-ups, summaries with the fields of their group.
 * `places`: how wide the terminal is, where it is one. `types`: the attempts' events, and dns, that become rows.
 */
export function sinkTable(places = Number.POSITIVE_INFINITY, types = attemptTypes): Stage {
  const ofAttempts = attempts(places);
  const ofLookups = lookups();
  let ofSummaries: Column<Summary>[] = [];
  let seen: Summary | undefined; // what has these columns
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
      if (places === Number.POSITIVE_INFINITY) return;
      timer = setTimeout(() => {
        due = true;
        out.wake();
      }, signOfLife);
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
          seen = { ...seen, ...event }; // so that columns stay once they are there
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
  summary: 'prints events as an aligned table, as tcpconnect does',
  usage: '[OPTION]…',
  examples: [
    ['collector | sink-table', 'watch this machine connect'],
    ['collector | aggregate --by comm,dest --every 5s | sink-table --live', 'who connects most, now'],
    ['collector --dns | sink-table --type dns', 'which names this machine looks up'],
  ],
  options,
  notes:
    'Times are local; that of an attempt is when the call was made. An attempt that waits gets a line at once, and another when it has ended. A name is shown instead of its address, with a "?" if it is a guess (name_ambiguous). Look-ups are shown if --type names dns. Other events are left out, except summaries; lost ones are reported between the lines.',
  stage: ({ values }) => {
    const terminal = isTerminal(1); // asking Node for its columns loads much
    return values.live && terminal && process.stdout.isTTY
      ? live(process.stdout, new Keys())
      : sinkTable(terminal && process.stdout.isTTY ? process.stdout.columns || 80 : undefined, values.type);
  },
});
