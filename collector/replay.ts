import { setTimeout as sleep } from 'node:timers/promises';
import { defineCommand } from '../schemas/pipe/command/command.js';
import { type Given, type Options, type Parsed, parseGiven } from '../schemas/pipe/command/options.js';
import { Files } from '../schemas/pipe/io/files.js';
import type { Source } from '../schemas/pipe/io/source.js';
import { invalidValue } from '../schemas/pipe/messages/errors.js';
import { logMessage } from '../schemas/pipe/messages/log.js';
import { chunksOf } from '../schemas/pipe/run/chunks-of.js';
import { passAll } from '../schemas/pipe/stage/select.js';
import type { Stage } from '../schemas/pipe/stage/stage.js';
import { Clock, type Time } from './replay/clock.js';
import { Paced } from './replay/paced.js';
import { present } from './replay/present.js';

function speed(text: string): number {
  if (text === 'max') return Number.POSITIVE_INFINITY;
  const [, number] = /^(\d{1,9}(?:\.\d{1,9})?)x?$/.exec(text) ?? [];
  if (!(Number(number) > 0)) throw invalidValue(text, 'use a number such as 1x, 10x or 0.5x, or max');
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
    stage: now ? present(clock, given) : passAll('replay', given),
  };
}

export const command = defineCommand({
  name: 'replay',
  summary: 'prints recorded events again, with the original pauses between them',
  usage: '[OPTION]…',
  examples: [
    ['replay connects.ndjson --speed 10x | sink-web', 'see an hour again in six minutes'],
    ['replay --now connects.ndjson | aggregate --by comm --every 10s | sink-table --live', 'as if it happened now'],
    ["replay 'connects@*.zst' --speed 60x | sink-table", 'compressed files that sink-file wrote, an hour in a minute'],
  ],
  options,
  lenient: true,
  notes: `The lines keep their order: each is written when its ts is due, but not before the
line above it; a line without ts follows the line above at once. If the reader is too slow, the pauses become shorter. A
pause of more than 1h is shortened to that and reported. Ctrl-C ends it at once.`,
  source: (parsed, input) => make(parsed, Object.assign(input(), { piped: false })), // Ctrl-C stops the recording too, instead of letting it play to its end
});

/**
 * Creates a source for programs from a recording: `pipeline(replay({ file: 'connects.ndjson', speed: '10x' }), …)`. `file` may be
 * several. Throws UsageError at once if an option is invalid; the source throws RuntimeError if a file cannot be read, or a line
 * is not a valid event.
 */
export function replay(
  given: Given<typeof options> & { file: string | readonly string[] },
): AsyncGenerator<Uint8Array, void> {
  const parsed = parseGiven(options, given, ['file']);
  return chunksOf(make(parsed, new Files([given.file].flat())));
}
