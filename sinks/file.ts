import { defineCommand } from '../schemas/pipe/command/command.js';
import { type Given, integer, type Options, oneOf, type Parsed, parseGiven } from '../schemas/pipe/command/options.js';
import { bytes, duration } from '../schemas/pipe/command/units.js';
import { noLock } from '../schemas/pipe/io/lock.js';
import { UsageError } from '../schemas/pipe/messages/errors.js';
import type { Stage } from '../schemas/pipe/stage/stage.js';
import { SinkFile } from './file/stage.js';
import { Template } from './file/template.js';

const options = {
  mkdir: { help: 'Make missing folders above PATH, for their owner alone (0700).' },
  fsync: {
    value: 'none|interval|every',
    parse: oneOf('none', 'interval', 'every'),
    help: 'Have the disk confirm: never (default; a crash of the machine may cost what the kernel still holds), at most once a second, or every time the input pauses.',
  },
  'rotate-size': {
    value: 'SIZE',
    parse: bytes,
    help: 'Close the file before it grows beyond SIZE (100M), and begin another.',
  },
  'rotate-every': {
    value: 'TIME',
    parse: duration,
    help: 'Close the file as TIME (30s, 15m, 1h, 1d) is over by the UTC clock, and begin another.',
  },
  compress: {
    value: 'gzip|zstd',
    parse: oneOf('gzip', 'zstd'),
    help: 'Compress closed files, in a thread of its own.',
  },
  format: {
    value: 'ndjson|parquet',
    parse: oneOf('ndjson', 'parquet'),
    help: 'parquet: closed files become Parquet, the last one at the end; the file that is written to is NDJSON.',
  },
  keep: { value: 'COUNT', parse: integer(1, 1_000_000), help: 'Keep so many closed files at most, the newest.' },
  'keep-size': { value: 'SIZE', parse: bytes, help: 'Keep so many bytes of closed files at most.' },
  'keep-age': { value: 'TIME', parse: duration, help: 'Delete closed files last written longer ago.' },
  latest: { value: 'LINK', help: 'Keep a symbolic link LINK to the file that is written to.' },
  'max-open': {
    value: 'COUNT',
    parse: integer(1, 10_000),
    help: 'How many files may be open at once, where PATH has fields in it (default 64).',
  },
  'on-full': {
    value: 'exit|block|drop',
    parse: oneOf('exit', 'block', 'drop'),
    help: 'When the disk is full: end (default), wait for space and keep the input waiting, or drop lines and say in the file how many are missing.',
  },
  shared: {
    help: 'Let other processes with --shared append to PATH too: the file is locked for each write only. Not with rotation, archives or --keep.',
  },
  'no-lock': noLock,
} satisfies Options;

/** What one process does to a file that others write to would lose their lines. */
const notShared = ['rotate-size', 'rotate-every', 'compress', 'format', 'keep', 'keep-size', 'keep-age', 'no-lock'];

function stage({ values, given }: Parsed<typeof options>, path: string): Stage {
  const other = values.shared && notShared.find((name) => name in given);
  if (other) throw new UsageError(`--shared and --${other} exclude each other`);
  const parquet = values.format === 'parquet';
  if (parquet && values.compress) throw new UsageError('--compress is not for --format parquet, which is compressed');
  const template = new Template(parquet ? path.replace(/(?<=[^/])\.parquet$/, '') : path);
  if (values.latest !== undefined && template.fields.length > 0)
    throw new UsageError('--latest wants a PATH without {fields}: only one file is the latest');
  return new SinkFile({
    template,
    mkdir: values.mkdir ?? false,
    lock: values.shared ? 'shared' : values.noLock ? 'none' : 'own',
    fsync: values.fsync ?? 'none',
    rotateSize: values.rotateSize ?? Number.POSITIVE_INFINITY,
    rotateEvery: values.rotateEvery,
    maxOpen: values.maxOpen ?? 64,
    latest: values.latest,
    onFull: values.onFull ?? 'exit',
    archive: parquet ? 'parquet' : values.compress,
    keep: { files: values.keep, bytes: values.keepSize, age: values.keepAge },
  });
}

/** The stage for programs: `sinkFile('out.ndjson', { fsync: 'every' })`. */
export function sinkFile(path: string, given: Given<typeof options> = {}): Stage {
  return stage(parseGiven(options, given), path);
}

export const command = defineCommand({
  name: 'sink-file',
  summary: 'appends events to a file, whole lines only',
  usage: '[OPTION]… PATH',
  examples: [
    ['collector | filter --dport 443 | sink-file out.ndjson', 'keep what goes to port 443'],
    [
      'collector | sink-file --fsync interval --mkdir /var/log/synpipe/connects.ndjson',
      'keep all, safe on the disk within a second',
    ],
    [
      'collector | sink-file --compress zstd --keep-age 30d --keep-size 10G --latest now.ndjson conn-%Y%m%d-%H.ndjson',
      'a file for each hour, compressed when it is over, for 30 days',
    ],
    ["collector | sink-file '{comm}.ndjson'", 'a file for each program'],
  ],
  args: ['PATH'],
  options,
  instead: { o: 'write sink-file PATH', output: 'write sink-file PATH' },
  notes: `PATH may have the time in it (%Y %m %d %j %H %M %S %s, UTC; %% is a percent sign) and fields of the events
({comm}; {{ is a brace). It is the time at which a line arrives, so that a closed file is final. Characters of a field
that could lead elsewhere are written as %XX. A file that is closed before its name changes gets the time in it:
out@20261123T081530.123Z.ndjson. --keep, --keep-size and --keep-age delete closed files that PATH can name, those of
earlier runs too: give them a folder of their own.
Files are made with mode 0600, and locked: a second process gets an error. A last line torn by a crash is moved to
PATH.torn when the file is opened again. SIGHUP opens PATH again, for logrotate. If PATH is deleted or renamed,
sink-file notices and writes to a new file.`,
  stage: (parsed) => stage(parsed, parsed.rest[0] as string),
});
