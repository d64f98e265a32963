import { closeSync, openSync } from 'node:fs';
import { defineCommand } from '../schemas/pipe/command/command.js';
import type { Options, Parsed } from '../schemas/pipe/command/options.js';
import { isTerminal } from '../schemas/pipe/io/fd.js';
import type { Source } from '../schemas/pipe/io/source.js';
import { RuntimeError, UsageError } from '../schemas/pipe/messages/errors.js';
import { useColour } from '../schemas/pipe/terminal/colour.js';
import { collectorOptions, inputOf } from './terminal/input.js';
import type { ViewInput } from './terminal/view-input.js';
import { compile } from './top/filtered.js';
import { Top } from './top/stage.js';

const options = {
  where: {
    short: 'w',
    value: 'EXPRESSION',
    parse: (text: string) => {
      compile(text);
      return text;
    },
    help: 'Show only events that match this expression, as in filter --where. The key / changes it.',
  },
  speed: {
    value: 'NUMBERx|max',
    help: 'Play the files this many times as fast as they were recorded: 1x, 10x. max (the default) shows it at once.',
  },
  ...collectorOptions,
} satisfies Options;

/** Returns where the events come from, and what the stage has to know about it. */
function inputFor(parsed: Parsed<typeof options>): Source & ViewInput {
  const { rest, values } = parsed;
  const { speed } = values;
  if (speed !== undefined && rest.every((name) => name === '-'))
    throw new UsageError('--speed needs a FILE; for standard input, write replay --speed … | synpipe top');
  const collector = ['--status', '--pending', 'repeat'];
  return inputOf(parsed, { files: rest, collector, speed, instead: 'use --where' });
}

/** Throws RuntimeError unless standard output is a terminal that can be drawn on. */
function checkTerminal(): void {
  const instead = 'use sink-table instead';
  if (!isTerminal(1) || !process.stdout.isTTY) throw new RuntimeError(`standard output is not a terminal; ${instead}`);
  const { TERM } = process.env;
  if (TERM === undefined || TERM === '' || TERM === 'dumb')
    throw new RuntimeError(`the terminal (TERM=${TERM ?? ''}) has no movable cursor; ${instead}`);
  try {
    closeSync(openSync('/dev/tty', 'r'));
  } catch {
    throw new RuntimeError(`there is no terminal to read keys from; ${instead}`);
  }
}

export const command = defineCommand({
  name: 'synpipe top',
  summary: 'shows live what this host connects to, what fails and what hangs',
  usage: '[OPTION]… [FILE…] [-- COMMAND [ARGUMENT]…]',
  examples: [
    ['sudo synpipe top', 'this machine, now'],
    ['sudo synpipe top -- npm install', 'what a command and its children connect to'],
    ['sudo synpipe top -p 1234', 'what a process connects to'],
    ['synpipe top connects.ndjson', 'what a recording adds up to'],
    ["synpipe top 'connects@*.zst' connects.ndjson", 'all that sink-file kept, in order of time'],
    ['synpipe top --speed 1x connects.ndjson', 'the recording as it happened'],
    ["ssh -t web-1 sudo collector | synpipe top -w 'result != established'", 'failures on another machine'],
  ],
  args: ['[FILE…]'],
  takesCommand: true,
  options,
  instead: { follow: 'write tail -n +1 -F FILE | synpipe top' },
  notes: `Without FILE it starts a collector, which needs root, with --dns if possible, and names addresses by what programs looked
up. If standard input is a pipe or a file, it reads events from there. With a COMMAND, it shows only what that command and
its children connect to, and exits when the command does, with the same exit status.

Sections: attempts that wait; failing destinations with the cause; which process talks to which destination, with attempts
per second (averaged over about 10 s), failures and the median and 99th percentile of the time until established; failed
DNS look-ups. Press ? for the keys. At the end it prints a summary.`,
  source: (parsed) => {
    const source = inputFor(parsed);
    checkTerminal();
    const colour = useColour(true);
    return { source, stage: new Top(process.stdout, source, colour, parsed.values.where) };
  },
});
