import { attemptTypes } from '../schemas/attempts.js';
import { defineCommand } from '../schemas/pipe/command/command.js';
import { type Given, list, type Options, oneOf, type Parsed, parseGiven } from '../schemas/pipe/command/options.js';
import { isTerminal } from '../schemas/pipe/io/fd.js';
import type { Stage } from '../schemas/pipe/stage/stage.js';
import { colourOption, useColour } from '../schemas/pipe/terminal/colour.js';
import { columnName, columnNames } from './table/fields.js';
import { live } from './table/live.js';
import { rows } from './table/rows.js';
import { Keys } from './terminal/keys.js';

const showable = [...attemptTypes, 'dns'];

const options = {
  type: {
    value: 'TYPES',
    parse: list(oneOf(...showable)),
    words: showable,
    help: 'Which events to show as rows: a list of connect, outcome, pending, closed, open, dns (default all but dns). Summaries are always shown.',
  },
  columns: {
    value: 'COLUMNS',
    parse: (text: string) => list(columnName)(text).flat(),
    words: ['tcpconnect', ...columnNames],
    help: 'Show these columns of attempts and look-ups: any fields of the events, time (of the call), process, source, dest (name or address), latency, duration, sent, received, and tcpconnect for all of tcpconnect. Summaries are not affected.',
  },
  wide: {
    help: 'Show more columns of attempts, at full width: lines may be longer than the terminal.',
  },
  utc: { help: 'Show times in UTC instead of local time.' },
  color: colourOption,
  live: {
    help: 'On a terminal, show only the newest window of summaries and update it in place, with the largest groups first; press q to quit. Elsewhere, print lines.',
  },
} satisfies Options;

/** Makes q end everything that Ctrl-C would end. */
function endOnQ(typed: string): void {
  if (typed.includes('q')) process.kill(0, 'SIGINT');
}

/** Returns standard output if it is a terminal, and whether to use colours. */
function display(color: Parsed<typeof options>['values']['color']) {
  // checked first, because process.stdout is slow to load
  const terminal = isTerminal(1) && process.stdout.isTTY ? process.stdout : undefined;
  return { terminal, colour: useColour(terminal !== undefined, color) };
}

const { live: _, ...programOptions } = options;

/**
 * Creates the stage for use in a program: `sinkTable({ columns: 'time,dest,result' })`. It prints lines to standard output, or
 * calls `print` with each. Throws UsageError on a bad value.
 */
export function sinkTable({
  print,
  ...given
}: Given<typeof programOptions> & { print?: (line: string) => void } = {}): Stage {
  const { type: types, color, ...values } = parseGiven(programOptions, given).values;
  if (print) return rows({ ...values, types, print, colour: color === 'always' });
  return rows({ ...values, types, print: (line) => process.stdout.write(`${line}\n`), ...display(color) });
}

export const command = defineCommand({
  name: 'sink-table',
  summary: 'prints events as an aligned table',
  usage: '[OPTION]…',
  examples: [
    ['collector | sink-table', 'watch the connections of this machine'],
    ['collector | sink-table --columns tcpconnect', 'the columns of tcpconnect'],
    ['collector | sink-table --columns time,exe,dest,dport,result', 'other columns'],
    ['collector | aggregate --by comm,dest --every 5s | sink-table --live', 'see what connects most right now'],
    ['collector --dns | sink-table --type dns', 'see which names this machine looks up'],
  ],
  options,
  notes: `On a terminal, the table fits its width: a narrow one shows fewer columns and shortens long values in the middle, a wide
one shows more. Elsewhere, the columns are always the same and nothing is shortened.

The time of an attempt is when its call was made. On a terminal, a date that is not today's is shown in a line before the
rows of that day; elsewhere, TIME has the date. If the name of an address is known, it is shown as DEST, with a
"?" if it is a guess (name_ambiguous).

An attempt gets one row. If it still waits after a second, it gets one that says pending, and another when it has ended.
The end of its connection (closed) gets a row too, with the same time.
A connect event is shown only if no pending or outcome event of that attempt follows within 2 seconds, or if the input
has no other events of attempts.

Look-ups are shown if --type includes dns. Lost events are reported between the lines. Events of other types are not
shown. After Ctrl-C, a terminal shows a summary.`,
  stage: ({ values: { live: isLive, color, type: types, columns, wide, utc } }) => {
    const { terminal, colour } = display(color);
    if (isLive && terminal) return live(terminal, new Keys(endOnQ), { utc, colour });
    return rows({ types, columns, wide, utc, terminal, colour });
  },
});
