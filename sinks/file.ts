import { fieldKinds } from '../schemas/generated/fields.js';
import { groupId } from '../schemas/pipe/command/accounts.js';
import { defineCommand } from '../schemas/pipe/command/command.js';
import { nearestField } from '../schemas/pipe/command/nearest.js';
import { type Given, integer, type Options, oneOf, type Parsed, parseGiven } from '../schemas/pipe/command/options.js';
import { bytes, duration } from '../schemas/pipe/command/units.js';
import { noLock } from '../schemas/pipe/io/lock.js';
import { conflict, invalidValue, needs, UsageError } from '../schemas/pipe/messages/errors.js';
import { passAll } from '../schemas/pipe/stage/select.js';
import type { Stage } from '../schemas/pipe/stage/stage.js';
import { fieldsOf } from '../schemas/where/where.js';
import { SinkFile } from './file/stage.js';
import { Template } from './file/template.js';

const options = {
  mkdir: {
    help: 'Make missing folders above PATH. Only their owner can enter them (0700); with --mode, everyone who may read the files can.',
  },
  mode: {
    value: 'MODE',
    parse: mode,
    help: "Permissions of all files, in octal: 0640 lets the group read (default 0600, and an existing file keeps its own). The process's umask does not apply.",
  },
  group: { value: 'GROUP', parse: groupId, help: 'Group of all files, by name or number.' },
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
    help: 'Compress closed files in the background, the last one at the end of input. Not needed if PATH ends in .gz or .zst: then the file is compressed as it is written.',
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

/** Parses permission bits in octal. */
function mode(text: string): number {
  if (!/^0?[0-7]{3}$/.test(text)) throw invalidValue(text, 'use permissions in octal, such as 0640');
  return Number.parseInt(text, 8);
}

/** Options that exclude --shared: with them, one process would lose the lines that others append to the same file. */
const notShared = ['rotate-size', 'rotate-every', 'compress', 'format', 'keep', 'keep-size', 'keep-age', 'no-lock'];

/** Names of compressed files that it cannot write. */
const unknownArchive = /[^/](\.(?:bz2|xz|lz4|br|lzma|zip))$/s;

function stage({ values, given, rest: [path = ''] }: Parsed<typeof options>): Stage {
  if (path === '-') return standardOutput(given);
  const [, unknown] = unknownArchive.exec(path) ?? [];
  if (unknown !== undefined)
    throw new UsageError(
      `PATH: ${unknown} files cannot be written; end PATH in .gz or .zst, or compress with another program`,
    );
  const [, base, suffix] = /^(.*[^/])(\.(?:gz|zst))$/s.exec(path) ?? [];
  const atEnd = `a PATH that ends in ${suffix}`;
  const compression = suffix && (suffix === '.gz' ? 'gzip' : 'zstd');
  const other = values.shared && (notShared.find((name) => name in given)?.replace(/^/, '--') ?? (suffix && atEnd));
  if (other) throw conflict('--shared', other);
  const parquet = values.format === 'parquet';
  if (parquet && (values.compress || compression))
    throw conflict('--format parquet', values.compress ? '--compress' : atEnd, {
      reason: 'Parquet is compressed already',
      remedy: values.compress ? 'leave out --compress' : 'end PATH in .parquet',
    });
  if (compression && values.compress && compression !== values.compress)
    throw conflict(`--compress ${values.compress}`, atEnd, { remedy: 'leave out --compress' });
  const template = new Template(base ?? (parquet ? path.replace(/(?<=[^/])\.parquet$/, '') : path), suffix);
  checkFields(template.schemaFields);
  const closes = values.rotateSize ?? values.rotateEvery ?? template.every ?? (values.compress || parquet || undefined);
  const keep = (['keep', 'keep-size', 'keep-age'] as const).find((name) => name in given);
  if (keep && closes === undefined && template.fields.length === 0)
    throw needs(`--${keep}`, '--rotate-size, --rotate-every or a time in PATH, which close files');
  if (values.latest !== undefined && template.fields.length > 0)
    throw conflict('--latest', '{fields} in PATH', { reason: 'only one file can be the latest' });
  return new SinkFile({
    template,
    mkdir: values.mkdir ?? false,
    access: { mode: values.mode, group: values.group },
    lock: values.shared ? 'shared' : values.noLock ? 'none' : 'own',
    fsync: values.fsync ?? 'none',
    rotateSize: values.rotateSize ?? Number.POSITIVE_INFINITY,
    rotateEvery: values.rotateEvery,
    maxOpen: values.maxOpen ?? 64,
    latest: values.latest,
    onFull: values.onFull ?? 'exit',
    compression: compression || undefined,
    archive: parquet ? 'parquet' : compression ? undefined : values.compress,
    keep: { files: values.keep, bytes: values.keepSize, age: values.keepAge },
  });
}

/** Throws UsageError if a field of PATH is in no schema. */
function checkFields(names: readonly string[]): void {
  if (names.length === 0) return;
  const known = fieldsOf(Object.keys(fieldKinds));
  for (const name of names) {
    if (known.has(name)) continue;
    const near = nearestField(name, [...known.keys()]);
    throw new UsageError(
      `PATH: unknown field "${name}"; ${near ? `${near} Write` : 'write'} {.${name}} for a field of your own`,
    );
  }
}

/** Returns the stage for `-`: it passes all lines to standard output. */
function standardOutput(given: Record<string, unknown>): Stage {
  const [option] = Object.keys(given);
  if (option !== undefined) throw conflict(`--${option}`, '- (standard output)', { remedy: `leave out --${option}` });
  return passAll('sink-file');
}

/** Creates the stage for use in a program: `sinkFile({ path: 'out.ndjson', fsync: 'every' })`. Throws UsageError on a bad value. */
export function sinkFile(given: Given<typeof options> & { path: string }): Stage {
  return stage(parseGiven(options, given, ['path']));
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
    [
      'collector | sink-file --rotate-every 1d --mode 0640 --group adm connects.ndjson.gz',
      'compressed as it is written; the group adm may read it',
    ],
  ],
  args: ['PATH'],
  options,
  lenient: true,
  instead: { o: 'write sink-file PATH', output: 'write sink-file PATH' },
  notes: `PATH may contain the time (%Y %m %d %j %H %M %S %s in UTC; %% is a percent sign) and fields of the events ({comm};
{.team} is a field of your own; {{ is a brace). The time is when a line arrives, so a closed file never changes again.
Characters of a field that could lead out of the folder are written as %XX. When a file is closed, but PATH still gives
the same name, it is renamed with a time stamp: out@20261123T081530.123Z.ndjson. --keep, --keep-size and --keep-age delete
all closed files that match PATH, even those of earlier runs: use a separate folder for them.

A PATH that ends in .gz or .zst is compressed as it is written: what was written before a pause of the input can be read,
also after a crash, and the next run appends to it. If PATH is -, events go to standard output.

Files are created with mode 0600 (see --mode) and locked: a second process gets an error. If a crash cut the last line, it
is moved to PATH.torn when the file is opened again. SIGHUP reopens PATH, for logrotate. If PATH is deleted or renamed,
sink-file notices and writes to a new file.`,
  stage,
});
