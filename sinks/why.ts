import { existsSync } from 'node:fs';
import { isIP } from 'node:net';
import { attemptTypes } from '../schemas/attempts.js';
import { defineCommand } from '../schemas/pipe/command/command.js';
import { integer, type Options, type Parsed } from '../schemas/pipe/command/options.js';
import { isTerminal } from '../schemas/pipe/io/fd.js';
import { UsageError } from '../schemas/pipe/messages/errors.js';
import { printMessage } from '../schemas/pipe/messages/log.js';
import { colourOption, useColour } from '../schemas/pipe/terminal/colour.js';
import type { Predicate } from '../schemas/where/on.js';
import { where } from '../schemas/where/where.js';
import { collectorOptions, inputOf } from './terminal/input.js';
import { Why } from './why/stage.js';

const options = {
  top: {
    value: 'K',
    parse: integer(1, 5_000),
    help: 'At the end, show at most K stories (default 20): first those of attempts that failed.',
  },
  utc: { help: 'Show times in UTC instead of local time.' },
  color: colourOption,
  ...collectorOptions,
} satisfies Options;

/** Whether an argument can only be a file, or is one. */
const isFile = (text: string) => text === '-' || /\.(ndjson|jsonl?|gz|zst)$/.test(text) || existsSync(text);

/** Parses `db.example.com`, `10.0.0.7:5432`, `[2001:db8::7]:443` or `2001:db8::7`; undefined for any other text. */
function destination(text: string): string | undefined {
  const [, bracketed, plain = bracketed, port] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([\w-]+(?:\.[\w-]+)+))(?::(\d+))?$/.exec(text) ?? [];
  const host = isIP(text) ? text : plain;
  if (host === undefined) return undefined;
  const at = isIP(host) ? `daddr == ${host}` : `name == "${host}"`;
  return port === undefined ? at : `${at} and dport == ${port}`;
}

/** Splits the arguments into what selects attempts and the files. Throws UsageError. */
function argumentsIn([first, ...others]: readonly string[]): {
  keep: Predicate | undefined;
  files: string[];
  name?: string;
} {
  if (first === undefined) return { keep: undefined, files: [] };
  if (isFile(first)) return { keep: undefined, files: [first, ...others] };
  const types = [...attemptTypes, 'dns'];
  try {
    return { keep: where(destination(first) ?? first, types), files: others };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const word = /^[\w-]+$/.exec(first)?.[0]; // a name without a dot, of a host or a program
    if (word !== undefined)
      return { keep: where(`name == "${word}" or pcomm == "${word}"`, types), files: others, name: word };
    throw new UsageError(`"${first}" is neither a file nor a filter: ${error.message}`);
  }
}

const collector = ['--status', '--report', 'outcome,closed', '--pending', 'repeat'];

function make(parsed: Parsed<typeof options>) {
  const { keep, files, name } = argumentsIn(parsed.rest);
  const { top = 20, utc, color } = parsed.values;
  const source = inputOf(parsed, { files, collector, instead: 'use FILTER' });
  source.listen?.((message) => printMessage(message.replace(/^replay: /, 'synpipe why: ')));
  const terminal = isTerminal(1) && process.stdout.isTTY ? process.stdout : undefined;
  const columns = Math.min(Math.max(terminal?.columns || 80, 50), 110);
  const colour = useColour(terminal !== undefined, color);
  const live = source.speed === 1;
  const starts = live && source.listen !== undefined; // the collector above
  return {
    source,
    stage: new Why({ keep, name, live, starts, top, utc, colour, columns, failure: () => source.failure }),
  };
}

export const command = defineCommand({
  name: 'synpipe why',
  summary: 'shows what happened to attempts, step by step: look-up, call, handshake, end',
  usage: '[OPTION]… [FILTER] [FILE…] [-- COMMAND [ARGUMENT]…]',
  examples: [
    ["synpipe why 'dport == 5432' connects.ndjson", 'attempts of a recording to this port'],
    ['synpipe why db.example.com connects.ndjson', 'attempts to this name'],
    ["sudo synpipe why 'result != established'", 'what fails on this machine from now on, until Ctrl-C'],
    ['sudo synpipe why -- curl https://example.com/', 'what a command and its children do'],
    ['collector --dns | enrich --keep-dns | synpipe why 10.0.0.7:5432', 'another stream'],
  ],
  args: ['[FILTER]', '[FILE…]'],
  takesCommand: true,
  options,
  instead: { where: 'write the expression as an argument' },
  notes: `FILTER is one of
  an expression, as in filter --where  result != established
  a destination, with or without port  db.example.com, 10.0.0.7:5432
  the name of a program                curl
An attempt is selected if one of its events or its look-up matches. Without FILE, it starts a collector, which needs
root; if standard input is a pipe or a file, it reads events from there. With a COMMAND, it exits when the command does,
with the same exit status.

Attempts of the same program to the same destination with the same steps are shown once: "31 × in all". Failures come first.
Of live events, each new story is shown as soon as it is over, and repetitions are counted at the end. An attempt that hangs
is shown after a second, and again when it is over. A connection is over when it is closed, if the collector reports that
(--report outcome,closed); without that, the story ends with the handshake.

Look-ups are shown if the input has dns events (collector --dns).`,
  source: make,
});
