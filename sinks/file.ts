import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Batch } from '../schemas/pipe/batch.js';
import { defineCommand } from '../schemas/pipe/command.js';
import { cause, RuntimeError, remedy } from '../schemas/pipe/errors.js';
import { counted, countLines, writeAll } from '../schemas/pipe/fd.js';
import type { Line } from '../schemas/pipe/line.js';
import { type Given, type Options, oneOf, type Parsed, parseGiven } from '../schemas/pipe/options.js';
import { say } from '../schemas/pipe/say.js';
import type { Output, Stage } from '../schemas/pipe/stage.js';
import { repair } from './file/repair.js';

const options = {
  mkdir: { help: 'Make the folders above PATH where they are missing.' },
  fsync: {
    value: 'none|interval|every',
    parse: oneOf('none', 'interval', 'every'),
    help: 'Have the disk confirm: never (default; a crash of the machine may cost what the kernel still holds), at most once a second, or every time the input pauses.',
  },
} satisfies Options;

const newline = 10;
const writeAt = 1 << 20;
const intervalMs = 1_000;

/**
 * Appends whole lines to a file. Lines count as stored once written; when a write fails in the middle of a line the
 * file is cut back to the line's start, so that a reader never sees half an event.
 */
class SinkFile implements Stage {
  readonly name = 'sink-file';
  readonly sink = true;
  readonly #batch = new Batch();
  #file: FileHandle | undefined;
  #regular = false;
  #dirty = false;
  #syncDue: NodeJS.Timeout | undefined;
  #syncFailed: unknown;
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly path: string,
    private readonly fsync: 'none' | 'interval' | 'every' = 'none',
    private readonly mkdir = false,
  ) {}

  open(): Promise<void> {
    return this.#inTurn(() => this.#open());
  }

  line({ buffer, start, end }: Line, out: Output): void | Promise<void> {
    this.#batch.bytes(buffer, start, end);
    return this.#batch.length > writeAt ? this.flush(out) : undefined;
  }

  flush(out: Output): void | Promise<void> {
    if (this.#batch.lines === 0) return undefined;
    return this.#inTurn(async () => {
      if (this.#syncFailed) throw this.#syncFailed;
      await this.#write(out);
      if (this.fsync === 'every') await this.#sync();
      if (this.fsync === 'interval') this.#syncDue ??= setTimeout(() => this.#syncNow(), intervalMs);
    });
  }

  /** The file may have been moved away (logrotate): closes it and opens the path anew. */
  reopen(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#close();
      await this.#open();
    });
  }

  end(): Promise<void> {
    return this.#inTurn(() => this.#close());
  }

  /** One thing at a time: a reopen, or a sync that is due, may come in the middle of a write. */
  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const done = this.#last.then(task);
    this.#last = done.catch(() => {});
    return done;
  }

  async #open(): Promise<void> {
    try {
      if (this.mkdir) await mkdir(dirname(this.path), { recursive: true });
      this.#file = await open(this.path, 'a', 0o600);
      const found = await this.#file.stat();
      this.#regular = found.isFile();
      const told = this.#regular && (await repair(this.path, found.size));
      if (told) say(this.name, `${this.path}: ${told}`);
    } catch (error) {
      throw this.#error('open', error);
    }
  }

  async #write(out: Output): Promise<void> {
    if (!this.#file) await this.#open(); // a reopen failed
    const file = this.#file as FileHandle;
    const { lines } = this.#batch;
    const bytes = this.#batch.take();
    try {
      await writeAll(file.fd, bytes);
    } catch (error) {
      const { code, written } = error as { code: string; written: number };
      if (code === 'EPIPE') throw error; // a FIFO whose reader is gone
      const whole = bytes.subarray(0, written).lastIndexOf(newline) + 1;
      const stored = countLines(bytes.subarray(0, whole));
      if (this.#regular && whole < written) await file.truncate((await file.stat()).size - (written - whole));
      out.stored(stored);
      throw this.#error('write', error, `, ${counted(lines - stored)} not written`);
    }
    out.stored(lines);
    this.#dirty = true;
  }

  async #sync(): Promise<void> {
    clearTimeout(this.#syncDue);
    this.#syncDue = undefined;
    if (!this.#dirty || !this.#regular) return;
    this.#dirty = false;
    try {
      await this.#file?.datasync();
    } catch (error) {
      throw this.#error('sync', error, ', lines already written may be missing');
    }
  }

  /** Nobody waits for a sync that became due: its failure is told with the next write, or at the end. */
  #syncNow(): void {
    this.#inTurn(() => this.#sync()).catch((error) => {
      this.#syncFailed = error;
    });
  }

  async #close(): Promise<void> {
    if (!this.#file) return;
    try {
      if (this.#syncFailed) throw this.#syncFailed;
      if (this.fsync !== 'none') await this.#sync();
    } finally {
      await this.#file.close();
      this.#file = undefined;
    }
  }

  #error(what: string, error: unknown, loss = ''): RuntimeError {
    return new RuntimeError(`cannot ${what} ${this.path}: ${cause(error)}${loss}; ${remedy(error)}`);
  }
}

const stage = ({ values: { fsync, mkdir } }: Parsed<typeof options>, path: string): Stage =>
  new SinkFile(path, fsync, mkdir);

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
  ],
  args: ['PATH'],
  options,
  notes: `The file is made with mode 0600. A last line torn by a crash is moved to PATH.torn at the start.
SIGHUP opens PATH anew, for logrotate.`,
  stage: (parsed) => stage(parsed, parsed.rest[0] as string),
});
