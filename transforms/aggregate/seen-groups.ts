import { constants } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { openLocked, tryLock } from '../../schemas/pipe/io/lock.js';
import { cause, RuntimeError, remedy } from '../../schemas/pipe/messages/errors.js';
import { KeyBytes } from './bytes.js';
import { hash } from './hash.js';
import { Table } from './table.js';

const newline = 10;
const tab = 9;
const piece = 1 << 20;
const title = 'synpipe seen 1';
/** The file is rewritten when it has this many records more than twice the number of groups. */
const spare = 10_000;

// a group's columns, µs: when it was last seen, and the time that the file has for it
const lastSeen = 0;
const stored = 1;

/**
 * The groups that were seen, in memory and in a file that survives a crash at any point. The file is a log of records to
 * which is only appended. When it gets too long, a new file is written and renamed over it. A record has a checksum, the
 * group's time in seconds, and the key, separated by tabs.
 */
export class SeenGroups {
  #table = newTable();
  readonly #key = new KeyBytes();
  #file: FileHandle | undefined;
  #records = 0;

  constructor(
    private readonly path: string,
    private readonly by: string,
    /** A group is forgotten if it was not seen for longer than this, µs. */
    private readonly expire: number,
    private readonly most: number,
    /** False with `--no-lock`. */
    private readonly lock: boolean,
    private readonly report: (text: string) => void,
  ) {}

  /** Opens the file, or creates it, and reads it. */
  async open(): Promise<void> {
    try {
      const opens = () => open(this.path, 'a+', 0o600);
      this.#file = await (this.lock ? openLocked(this.path, opens, 'aggregate') : opens());
      const { size } = await this.#file.stat();
      if (size === 0) await this.#append(this.#title);
      else await this.#read(this.#file, size);
    } catch (error) {
      throw this.#error('open', error);
    }
  }

  /** Adds a group, or updates its time. Returns whether it is new, and the record to store if the file needs one. */
  add(key: KeyBytes, time: number): { isNew: boolean; record?: Buffer } {
    const before = this.#table.rows;
    const row = this.#table.row(key);
    const isNew = row === before || time - this.#table.get(row, lastSeen) > this.expire;
    this.#table.setMax(row, lastSeen, time);
    const stale = time - this.#table.get(row, stored) > this.expire / 8;
    if (!isNew && !stale) return { isNew };
    this.#table.setMax(row, stored, time);
    const record = recordOf(key.buffer.subarray(0, key.length), time);
    if (this.#table.rows > this.most + 1) this.#forget();
    return { isNew, record };
  }

  /** Appends records to the file. When it returns, they are on the disk. */
  async store(records: readonly Buffer[]): Promise<void> {
    if (records.length === 0) return;
    try {
      await this.#append(Buffer.concat(records));
      this.#records += records.length;
      if (this.#records > 2 * this.#table.rows + spare) await this.#rewrite();
    } catch (error) {
      throw this.#error('write', error);
    }
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  async #append(bytes: string | Buffer): Promise<void> {
    await this.#file?.appendFile(bytes);
    await this.#file?.datasync();
  }

  async #read(file: FileHandle, size: number): Promise<void> {
    let rest = Buffer.alloc(0);
    let good = 0; // bytes of complete lines
    let number = 0;
    let damaged = 0;
    for (let at = 0; at < size; ) {
      const bytes = Buffer.allocUnsafe(Math.min(piece, size - at));
      const { bytesRead } = await file.read(bytes, 0, bytes.length, at);
      if (bytesRead === 0) break;
      at += bytesRead;
      rest = Buffer.concat([rest, bytes.subarray(0, bytesRead)]);
      let start = 0;
      for (let end = rest.indexOf(newline); end >= 0; end = rest.indexOf(newline, start)) {
        const line = rest.subarray(start, end);
        if (number++ === 0) this.#checkTitle(line.toString());
        else if (!this.#take(line)) damaged++;
        start = end + 1;
      }
      good += start;
      rest = rest.subarray(start);
    }
    const partialTitle = number === 0 && this.#title.startsWith(rest.toString());
    if (number === 0 && !partialTitle) this.#checkTitle(rest.toString());
    if (good < size) await file.truncate(good); // removes a last record that a crash left incomplete
    if (partialTitle) await this.#append(this.#title);
    this.#records = Math.max(0, number - 1);
    if (damaged > 0) this.report(`${this.path}: ignored ${damaged} damaged records; their groups count as new`);
    if (this.#records > 2 * this.#table.rows + spare) await this.#rewrite();
  }

  get #title(): string {
    return `${title}\t${this.by}\n`;
  }

  #checkTitle(line: string): void {
    const [first, by] = line.split('\t');
    if (first !== title) throw new RuntimeError(`${this.path} is not a state file of --new-only; use another file`);
    if (by !== this.by)
      throw new RuntimeError(`${this.path} has groups by ${by}; use another file for --by ${this.by}`);
  }

  /** Loads a record. Returns whether it is valid. */
  #take(line: Buffer): boolean {
    const [, code, seconds] = /^([0-9a-f]{8})\t(-?\d{1,12})\t/.exec(line.toString('latin1', 0, 40)) ?? [];
    if (code === undefined || seconds === undefined || check(line.subarray(9)) !== code) return false;
    const bytes = line.subarray(9 + seconds.length + 1);
    for (let i = 0; i < bytes.length; i++) if (bytes[i] === tab) bytes[i] = newline;
    const key = this.#key;
    key.length = 0;
    key.need(bytes.length);
    key.copy(bytes, 0, bytes.length);
    key.pad();
    const row = this.#table.row(key);
    const time = Number(seconds) * 1e6;
    this.#table.setMax(row, lastSeen, time);
    this.#table.setMax(row, stored, time);
    if (this.#table.rows > this.most + 1) this.#forget();
    return true;
  }

  /** Forgets the half of the groups that were not seen for longest. */
  #forget(): void {
    const times = Float64Array.from({ length: this.#table.rows - 1 }, (_, i) => this.#table.get(i + 1, lastSeen));
    const middle = times.slice().sort()[times.length >> 1] as number;
    const smaller = newTable();
    let ties = times.length >> 1;
    for (const time of times) if (time > middle) ties--;
    smaller.merge(this.#table, (row) => {
      const time = times[row - 1] as number;
      return time > middle || (time === middle && ties-- > 0);
    });
    this.report(
      `more than ${this.most} groups; forgot the ${this.#table.rows - smaller.rows} that were not seen for longest`,
    );
    this.#table = smaller;
  }

  /** Writes all groups to a new file, which then replaces the old file atomically. */
  async #rewrite(): Promise<void> {
    const newPath = `${this.path}.new`;
    const { O_WRONLY, O_CREAT, O_TRUNC, O_APPEND, O_NOFOLLOW } = constants;
    const file = await open(newPath, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW, 0o600);
    try {
      if (this.lock) tryLock(file.fd, newPath, 'aggregate'); // so the path always names a locked file, old or new
      let parts: Buffer[] = [Buffer.from(this.#title)];
      let newest = Number.NEGATIVE_INFINITY;
      for (let row = 1; row < this.#table.rows; row++) newest = Math.max(newest, this.#table.get(row, lastSeen));
      for (let row = 1; row < this.#table.rows; row++) {
        const time = this.#table.get(row, lastSeen);
        if (newest - time > this.expire) continue;
        const { bytes, start, end } = this.#table.key(row);
        parts.push(recordOf(bytes.subarray(start, end), time));
        if (parts.length < 10_000) continue;
        await file.appendFile(Buffer.concat(parts));
        parts = [];
      }
      await file.appendFile(Buffer.concat(parts));
      await file.datasync();
      await rename(newPath, this.path);
    } catch (error) {
      await file.close();
      throw error;
    }
    await this.#file?.close();
    this.#file = file;
    const folder = await open(dirname(this.path), 'r');
    await folder.sync().finally(() => folder.close());
    this.#records = this.#table.rows - 1;
  }

  #error(what: string, error: unknown): RuntimeError {
    if (error instanceof RuntimeError) return error;
    return new RuntimeError(`cannot ${what} state file ${this.path}: ${cause(error)}; ${remedy(error)}`);
  }
}

const newTable = () => new Table({ columns: ['max', 'max'], sketches: [] });
const check = (bytes: Buffer) => hash(bytes, 0, bytes.length, 1).toString(16).padStart(8, '0');

function recordOf(key: Uint8Array, time: number): Buffer {
  const body = Buffer.concat([Buffer.from(`${Math.floor(time / 1e6)}\t`), key]);
  for (let i = 0; i < body.length; i++) if (body[i] === newline) body[i] = tab;
  return Buffer.concat([Buffer.from(`${check(body)}\t`), body, Buffer.from('\n')]);
}
