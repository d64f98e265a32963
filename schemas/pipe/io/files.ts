import { close, fstatSync } from 'node:fs';
import { isatty } from 'node:tty';
import { RuntimeError, UsageError } from '../messages/errors.js';
import { compression } from './compression.js';
import { type Decoder, Decompressed } from './decompressed.js';
import { FdReader, isPipe, isTerminal } from './fd.js';
import { failureText, isStdin, shown } from './file-messages.js';
import type { Follower } from './follow.js';
import type { Place } from './input.js';
import { expandNames, inOrder, statOf, statOfFd } from './names.js';
import { openSoon } from './open-soon.js';
import type { Source } from './source.js';
import { Unzip, zstdOfNode } from './unzip.js';
import { Unzstd } from './unzstd.js';

/** How many bytes of a compressed file are read at once. */
const pieceBytes = 1 << 16;
const newline = 10;
const brace = 123;

function newUnzstd(): Decoder {
  const create = zstdOfNode();
  return create ? new Unzip(create) : new Unzstd();
}

/** Decoders are used for one file after the other. */
interface Decoders {
  gzip?: Decoder;
  zstd?: Decoder;
}

/** A file that is being read. */
interface Current {
  name: string;
  fd: number;
  /** How many bytes were read. */
  read: number;
  reader: FdReader;
  isFile: boolean;
  /** Whether its first bytes are known, so that it can be read without waiting. */
  begun: boolean;
  decompressed?: Decompressed;
}

/**
 * Reads files one after the other, and standard input for `-`. Decompresses gzip and zstd, by content. A file without a newline
 * at its end gets one if another file follows.
 */
export class Files implements Source {
  /** 1 if something could not be read. It was reported. */
  exitCode = 0;
  readonly piped: boolean;
  readonly typed: boolean;
  #current: Current | undefined;
  #next = 0;
  /** The files that were opened, and how many lines came before each. */
  readonly #starts: { name: string; before: number }[] = [];
  #endsLine = true;
  #skip = 0; // how many bytes of the next file were already read, under another name
  #following: { name: string; fd: number } | undefined; // replaces the file that is followed
  #joins = false; // the next file may begin with the rest of a line
  #left = false;
  #leave = () => {};
  /** The reader of a file that `leave` has stopped, which may still wait for input. */
  #abandoned: FdReader | undefined;
  #opening = false;
  #names: readonly string[];
  #isOrdered: boolean;

  /** Throws RuntimeError if a name is a pattern that matches no file. */
  constructor(
    names: readonly string[],
    /** Reports what cannot be read; the files after it are still read. Without this, RuntimeError is thrown. */
    private readonly report?: (message: string) => void,
    private readonly decoders: Decoders = {},
    /** Follows the last file. */
    private readonly follower?: Follower,
  ) {
    this.#names = expandNames(names);
    this.#isOrdered = this.#names.length < 2;
    this.piped = this.#names.some((name) => (isStdin(name) ? isPipe(0) : statOf(name)?.isFIFO()));
    this.typed = this.#names.every(isStdin) && [0, 2].every(isTerminal) && [0, 2].every((fd) => isatty(fd));
  }

  get isFile(): boolean {
    return this.#current?.isFile ?? false;
  }

  /** Returns the size in bytes of all files; undefined if that is not known. */
  size(): number | undefined {
    if (this.follower) return undefined;
    let bytes = 0;
    for (const name of this.#names) {
      const stat = isStdin(name) ? statOfFd(0) : statOf(name);
      if (!stat?.isFile() || /\.(gz|zst)$/.test(name)) return undefined;
      bytes += stat.size;
    }
    return bytes;
  }

  now(into: Buffer): number | undefined {
    const current = this.#current;
    if (this.#left || !current?.begun || this.#skip > 0) return undefined;
    const bytes = (current.decompressed ?? current.reader).now(into);
    if (!bytes) return undefined; // `read` moves on to the next file
    current.read += bytes;
    this.#endsLine = into[bytes - 1] === newline;
    return bytes;
  }

  async read(into: Buffer, lines = 0): Promise<number> {
    if (!this.#isOrdered) {
      this.#isOrdered = true;
      const last = this.follower ? this.#names.slice(-1) : [];
      const names = this.#names.slice(0, this.#names.length - last.length);
      this.#names = [...(await inOrder(names, (name) => this.#firstTime(name))), ...last];
    }
    while (!this.#left) {
      if (!this.#current && this.#next === this.#names.length) return 0;
      try {
        this.#current = this.#current ?? (await this.#open(lines));
        if (!this.#current) return -1;
        const read = await this.#readFrom(this.#current, into);
        if (read > 0) {
          const bytes = this.#begin(into, read);
          if (bytes === 0) continue;
          this.#endsLine = into[bytes - 1] === newline;
          return bytes;
        }
        this.#skip = 0;
        if (read === 0 && (await this.#hasMore(this.#current))) continue;
        if (read < 0 || this.#left) return -1;
      } catch (error) {
        this.#fail(error, lines);
      }
      await this.#close();
      if (this.#endsLine || this.#joins || this.#next === this.#names.length) continue;
      this.#endsLine = true;
      into[0] = newline;
      return 1;
    }
    return -1;
  }

  /** Leaves out what was read already, or adds the newline that the file before did not have. Returns the number of bytes. */
  #begin(into: Buffer, bytes: number): number {
    const skipped = Math.min(this.#skip, bytes);
    this.#skip -= skipped;
    into.copyWithin(0, skipped, bytes);
    const rest = bytes - skipped;
    if (!this.#joins || rest === 0 || skipped > 0) return rest;
    this.#joins = false;
    if (this.#endsLine || into[0] !== brace || rest === into.length) return rest;
    into.copyWithin(1, 0, rest);
    into[0] = newline;
    return rest + 1;
  }

  /** Whether there is more of the file that is followed, after waiting for that. If not, moves on to what replaces it. */
  async #hasMore({ fd, read, name, decompressed }: Current): Promise<boolean> {
    if (!this.follower || this.#next < this.#names.length || isStdin(name)) return false;
    do {
      const next = this.follower.next(fd, decompressed ? fstatSync(fd).size : read);
      if (!next) continue;
      if ('more' in next) return true;
      this.#following = next;
      this.#next--;
      this.#skip = next.skip;
      this.#joins = next.joins;
      return false;
    } while (await this.follower.wait());
    return false;
  }

  /** Returns where a line of the input is. */
  place(line: number): Place {
    const start = this.#starts.findLast(({ before }) => before < line);
    if (!start || this.#names.every(isStdin)) return { line };
    return { file: shown(start.name), line: line - start.before };
  }

  leave(): void {
    this.#left = true;
    this.#leave();
    this.follower?.leave();
    this.#current?.decompressed?.leave();
    this.#current?.reader.leave();
  }

  async release(): Promise<boolean> {
    return !this.#opening && ((await (this.#current?.reader ?? this.#abandoned)?.release()) ?? true);
  }

  async end(): Promise<void> {
    this.follower?.close();
    await this.#close();
    for (const decoder of Object.values(this.decoders)) decoder.close();
  }

  /** Returns the time of the first event of a file; undefined if none is found soon. */
  async #firstTime(name: string): Promise<string | undefined> {
    const begin = Buffer.allocUnsafeSlow(pieceBytes);
    const file = new Files([name], () => {}, this.decoders);
    const bytes = await file.read(begin);
    await file.#close();
    return /"ts"\s*:\s*"(\d{4}-[^"]{15,28})"/.exec(begin.toString('latin1', 0, Math.max(0, bytes)))?.[1];
  }

  /** Opens the next file. Returns undefined if `leave` was called first. */
  async #open(lines: number): Promise<Current | undefined> {
    const asked = this.#names[this.#next++] as string;
    const following = this.#following;
    this.#following = undefined;
    let name = following?.name ?? asked;
    let fd = following?.fd ?? 0;
    if (!following && !isStdin(name)) {
      this.#opening = true;
      const follower = this.#next === this.#names.length ? this.follower : undefined;
      const opened = openSoon(name, follower);
      const left = new Promise<undefined>((resolve) => {
        this.#leave = () => resolve(undefined);
      });
      const first = await Promise.race([opened, left]);
      if (first === undefined) {
        opened.then((late) => close(late.fd)).catch(() => {});
        return undefined;
      }
      this.#opening = false;
      ({ name, fd } = first);
    }
    this.#starts.push({ name, before: lines });
    if (!following && this.#next === this.#names.length) this.follower?.opened();
    const isFile = statOfFd(fd)?.isFile() ?? false;
    return { name, fd, read: 0, reader: new FdReader(fd), isFile, begun: false };
  }

  async #readFrom(current: Current, into: Buffer): Promise<number> {
    const bytes = await (current.decompressed?.read(into) ?? this.#readBytes(current, into));
    if (bytes > 0) current.read += bytes;
    return bytes;
  }

  /** Reads a file as it is, and starts to decompress it if its first bytes say that it is compressed. */
  async #readBytes(current: Current, into: Buffer): Promise<number> {
    let bytes = await current.reader.read(into);
    if (current.begun) return bytes;
    while (bytes > 0 && compression(into.subarray(0, bytes)) === 'maybe') {
      const more = await current.reader.read(into.subarray(bytes));
      if (more < 0) return more;
      if (more === 0) break;
      bytes += more;
    }
    current.begun = true;
    const kind = bytes > 0 ? compression(into.subarray(0, bytes)) : undefined;
    if (kind === undefined || kind === 'maybe') return bytes;
    if (this.follower && current.name === this.#names.at(-1))
      throw new UsageError(`cannot follow ${current.name}: it is compressed; leave out --follow`);
    this.decoders[kind] ??= kind === 'gzip' ? new Unzip() : newUnzstd();
    const { reader } = current;
    let head: Buffer | undefined = Buffer.from(into.subarray(0, bytes));
    current.isFile = false; // a thread decompresses it
    current.decompressed = new Decompressed(this.decoders[kind] as Decoder, async () => {
      const piece = head ?? Buffer.allocUnsafeSlow(pieceBytes);
      if (head) {
        head = undefined;
        return piece;
      }
      return piece.subarray(0, Math.max(0, await reader.read(piece)));
    });
    return current.decompressed.read(into);
  }

  #fail(error: unknown, lines: number): void {
    if (error instanceof UsageError) throw error;
    const name = this.#current?.name ?? (this.#names[this.#next - 1] as string);
    const message = failureText(name, error, lines - (this.#starts.at(-1)?.before ?? 0));
    this.#opening = false;
    if (!this.report) throw new RuntimeError(message);
    this.exitCode = 1;
    this.report(message);
  }

  async #close(): Promise<void> {
    const current = this.#current;
    this.#current = undefined;
    if (!current) return;
    if (this.#left) this.#abandoned = current.reader;
    current.decompressed?.leave();
    if (!this.#left) await current.decompressed?.over;
    if (isStdin(current.name)) return;
    current.reader.leave();
    void current.reader.close(); // a read from a FIFO may never end
  }
}
