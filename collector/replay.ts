import { setTimeout as sleep } from 'node:timers/promises';
import { defineCommand } from '../schemas/pipe/command/command.js';
import { type Given, type Options, type Parsed, parseGiven } from '../schemas/pipe/command/options.js';
import { file, type Source, stdin } from '../schemas/pipe/io/source.js';
import { RuntimeError, UsageError } from '../schemas/pipe/messages/errors.js';
import { logMessage } from '../schemas/pipe/messages/log.js';
import { drive } from '../schemas/pipe/run/drive.js';
import { Ledger } from '../schemas/pipe/stage/ledger.js';
import type { Stage } from '../schemas/pipe/stage/stage.js';
import { Clock, type Time } from './replay/clock.js';
import { Paced } from './replay/paced.js';
import { present, recorded } from './replay/present.js';

function speed(text: string): number {
  if (text === 'max') return Number.POSITIVE_INFINITY;
  const [, number] = /^(\d{1,9}(?:\.\d{1,9})?)x?$/.exec(text) ?? [];
  if (!(Number(number) > 0)) throw new UsageError(`needs a number such as 1x, 10x or 0.5x, or max, not "${text}"`);
  return Number(number);
}

const options = {
  speed: {
    value: 'NUMBERx|max',
    parse: speed,
    help: 'Replay this many times as fast as it was recorded: 10x, 0.5x; max does not wait at all (default 1x).',
  },
  now: {
    help: 'Move the times in the events to the present, so that the next stage treats them as live. With --speed 10x they are a tenth as far apart, but durations, and the time from start to ts, stay the same: put a stage that needs exact times, such as enrich, before replay.',
  },
} satisfies Options;

const time: Time = {
  now: () => Math.round((performance.timeOrigin + performance.now()) * 1000),
  sleep: (us, signal) => sleep(Math.ceil(us / 1000), undefined, { signal }),
};

/** Returns the source of the lines and the stage that they go through. */
function make({ values, given }: Parsed<typeof options>, from: Source): { source: Source; stage: Stage } {
  const { speed = 1, now = false } = values;
  const clock = new Clock(speed, time.now);
  return {
    source:
      speed === Number.POSITIVE_INFINITY ? from : new Paced(from, clock, time, (text) => logMessage('replay', text)),
    stage: now ? present(clock, given) : recorded(given),
  };
}

export const command = defineCommand({
  name: 'replay',
  summary: 'prints recorded events again, with the original pauses between them',
  usage: '[OPTION]… [FILE]',
  examples: [
    ['replay connects.ndjson --speed 10x | sink-web', 'see an hour again in six minutes'],
    ['replay --now connects.ndjson | aggregate --by comm --every 10s | sink-table --live', 'as if it happened now'],
    ['zstd -dc connects.ndjson.zst | replay --speed max | filter --failed', 'a compressed file, without pauses'],
  ],
  args: ['[FILE]'],
  options,
  notes: `Without FILE it reads standard input. The lines keep their order: each is written when its ts is due, but not before the
line above it; a line without ts follows the line above at once. If the reader is too slow, the pauses become shorter. A
pause of more than 1h is shortened to that and reported. Ctrl-C ends it at once.`,
  source: (parsed) => {
    const [path] = parsed.rest;
    // Ctrl-C stops the recording too, instead of letting it play to its end.
    return make(parsed, path === undefined ? { ...stdin(), piped: false } : file(path));
  },
});

/**
 * Creates a source for programs from a recording: `pipeline(replay('connects.ndjson', { speed: '10x' }), …)`. Throws
 * UsageError at once if an option is invalid; the source throws RuntimeError if the file cannot be read, or a line is not a
 * valid event.
 */
export function replay(path: string, given: Given<typeof options> = {}): AsyncGenerator<Uint8Array, void> {
  const { source, stage } = make(parseGiven(options, given), file(path));
  const line = (number: number, reason: string) => {
    throw new RuntimeError(`replay: line ${number}: ${reason}`);
  };
  return (async function* () {
    try {
      for await (const bytes of drive(stage, source, { line, end: () => true }, new Ledger())) yield Buffer.from(bytes);
    } finally {
      source.leave();
    }
  })();
}
