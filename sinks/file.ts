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
    help: 'When to sync to disk: never (default; if the machine crashes, data not yet on disk may be lost), once a second, or each time the input pauses.',
  },
  'rotate-size': {
    value: 'SIZE',
    parse: bytes,
    help: 'Start a new file before this one grows beyond SIZE (such as 100M).',
  },
  'rotate-every': {
    value: 'TIME',
    parse: duration,
    help: 'Start a new file every TIME (30s, 15m, 1h, 1d), aligned to the UTC clock.',
  },
  compress: {
    value: 'gzip|zstd',
    parse: oneOf('gzip', 'zstd'),
    help: 'Compress closed files, in the background.',
  },
  format: {
    value: 'ndjson|parquet',
    parse: oneOf('ndjson', 'parquet'),
    help: 'parquet: convert each file to Parquet when it is closed, the last one at the end of input. The open file is always NDJSON.',
  },
  keep: {
    value: 'COUNT',
    parse: integer(1, 1_000_000),
    help: 'Keep at most COUNT closed files and delete the oldest.',
  },
  'keep-size': { value: 'SIZE', parse: bytes, help: 'Keep at most SIZE of closed files and delete the oldest.' },
  'keep-age': { value: 'TIME', parse: duration, help: 'Delete closed files last written more than TIME ago.' },
  latest: { value: 'LINK', help: 'Maintain a symbolic link LINK to the file being written.' },
  'max-open': {
    value: 'COUNT',
    parse: integer(1, 10_000),
    help: 'How many files may be open at once if PATH contains {fields} (default 64).',
  },
  'on-full': {
    value: 'exit|block|drop',
    parse: oneOf('exit', 'block', 'drop'),
    help: 'When the disk is full: exit with an error (default), block the input until there is space, or drop lines and record in the file how many are missing.',
  },
  shared: {
    help: 'Let other processes that use --shared append to PATH too: the file is locked only for each write. Not possible with rotation, compression, Parquet or --keep.',
  },
  'no-lock': noLock,
} satisfies Options;

/** Options that exclude --shared: with them, one process would lose the lines that others append to the same file. */
const notShared = ['rotate-size', 'rotate-every', 'compress', 'format', 'keep', 'keep-size', 'keep-age', 'no-lock'];

function stage({ values, given }: Parsed<typeof options>, path: string): Stage {
  const other = values.shared && notShared.find((name) => name in given);
  if (other) throw new UsageError(`--shared and --${other} cannot be combined; leave one out`);
  const parquet = values.format === 'parquet';
  if (parquet && values.compress)
    throw new UsageError(
      '--compress cannot be combined with --format parquet: Parquet is compressed already; leave out --compress',
    );
  const template = new Template(parquet ? path.replace(/(?<=[^/])\.parquet$/, '') : path);
  if (values.latest !== undefined && template.fields.length > 0)
    throw new UsageError(
      '--latest cannot be combined with {fields} in PATH: only one file can be the latest; leave one out',
    );
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

/** Returns the stage, for programs: `sinkFile('out.ndjson', { fsync: 'every' })`. */
export function sinkFile(path: string, given: Given<typeof options> = {}): Stage {
  return stage(parseGiven(options, given), path);
}

export const command = defineCommand({
  name: 'sink-file',
  summary: 'appends events to a file, whole lines only',
  usage: '[OPTION]… PATH',
  examples: [
    ['collector | filter --dport 443 | sink-file out.ndjson', 'keep the attempts to port 443'],
    [
      'collector | sink-file --fsync interval --mkdir /var/log/synpipe/connects.ndjson',
      'keep everything, synced to disk within a second',
    ],
    [
      'collector | sink-file --compress zstd --keep-age 30d --keep-size 10G --latest now.ndjson conn-%Y%m%d-%H.ndjson',
      'one file per hour, then compressed and kept for 30 days',
    ],
    ["collector | sink-file '{comm}.ndjson'", 'one file per program'],
  ],
  args: ['PATH'],
  options,
  instead: { o: 'write sink-file PATH', output: 'write sink-file PATH' },
  notes: `PATH may contain the time (%Y %m %d %j %H %M %S %s in UTC; %% is a percent sign) and fields of the events ({comm}; {{
is a brace). The time is when a line arrives, so a closed file never changes again. Characters of a field that could
lead out of the folder are written as %XX. A file that is closed before its name changes gets a time stamp:
out@20261123T081530.123Z.ndjson. --keep, --keep-size and --keep-age delete all closed files that match PATH, even those
of earlier runs: use a separate folder for them.
Files are created with mode 0600 and locked: a second process gets an error. If a crash cut the last line, it is moved
to PATH.torn when the file is opened again. SIGHUP reopens PATH, for logrotate. If PATH is deleted or renamed,
sink-file notices and writes to a new file.`,
  stage: (parsed) => stage(parsed, parsed.rest[0] as string),
});
