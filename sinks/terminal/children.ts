import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Stream, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { fromChunks } from '../../schemas/pipe/io/chunks.js';
import { dist } from '../../schemas/pipe/io/dist.js';
import type { Source } from '../../schemas/pipe/io/source.js';
import { cannotStart } from '../../schemas/pipe/io/spawned.js';
import { RuntimeError, UsageError } from '../../schemas/pipe/messages/errors.js';
import { printable } from '../../schemas/pipe/messages/printable.js';
import type { Rights } from './rights.js';
import type { ViewInput } from './view-input.js';

/** A command of this project that writes events. */
export interface Producer {
  name: 'collector' | 'replay';
  /** With --status, so that the collector's first event shows that it traces. */
  args: readonly string[];
  /** The command that it runs, as typed: its exit status is then that of this command. */
  runs?: string;
  /** Whether it reads standard input: one of its files is `-`. */
  readsStdin?: boolean;
  /** What to start instead if it fails before the first event, that is before it runs anything. */
  instead?: Producer;
}

const pathOf = (name: string) => fileURLToPath(new URL(`bin/${name}`, dist));
/** After Ctrl-C, which the producer gets too, or another signal, which it may not get: wait this long for its end (ms). */
const graceMs = 300;
const mostMessages = 50;

/** Runs a producer of events and `enrich` as a pipeline of processes, and reads what comes out of it. */
export class Children implements Source, ViewInput {
  readonly piped = true;
  failure: Error | undefined;
  exitCode = 0;
  #input: ReturnType<typeof fromChunks> | undefined;
  #producer: ChildProcess | undefined;
  #enrich: ChildProcess | undefined;
  #status: number | string = 0; // the producer's exit status, or the signal that killed it
  #hasEvents = false;
  #isAsked = false;
  #hasLeft = false;
  #timer: NodeJS.Timeout | undefined;
  #take: (message: string) => void = () => {};
  readonly #early: string[] = []; // messages from before the first event

  constructor(
    readonly source: string,
    readonly speed: number,
    private producer: Producer,
    private readonly enrichArgs: readonly string[],
    private readonly rights?: Rights,
  ) {}

  listen(take: (message: string) => void): void {
    this.#take = take;
  }

  async read(into: Buffer): Promise<number> {
    if (this.#hasLeft) return -1;
    this.#input ??= this.#start();
    const bytes = await this.#input.read(into);
    if (bytes > 0 && !this.#hasEvents) {
      this.#hasEvents = true;
      this.rights?.giveUp();
      for (const message of this.#early.splice(0)) this.#take(message);
    }
    if (bytes !== 0 || this.#isAsked || this.#status === 0) return bytes;
    if (this.#hasEvents || this.#status !== 1 || !this.producer.instead) {
      this.#failed();
      return 0;
    }
    this.producer = this.producer.instead;
    this.#input = undefined;
    return this.read(into);
  }

  /** Ends the producer. What it has written until then still comes. */
  quit(): void {
    this.#isAsked = true;
    this.#producer?.kill('SIGTERM');
  }

  asked(): void {
    this.#isAsked = true;
    this.#timer ??= setTimeout(() => this.quit(), graceMs);
  }

  leave(): void {
    this.#hasLeft = true;
    this.#input?.leave();
  }

  async release(): Promise<boolean> {
    return true; // no thread is blocked
  }

  async end(): Promise<void> {
    clearTimeout(this.#timer);
    this.#enrich?.stdout?.destroy();
    for (const child of [this.#producer, this.#enrich]) child?.kill();
  }

  #start(): ReturnType<typeof fromChunks> {
    const user = this.rights && { uid: this.rights.uid, gid: this.rights.gid };
    const enrich = this.#spawn('enrich', this.enrichArgs, ['pipe', 'pipe', 'pipe'], user);
    this.#enrich = enrich;
    void this.#produce(enrich);
    return fromChunks((enrich.stdout as Readable)[Symbol.asyncIterator]());
  }

  /** Runs the producer to its end. Then ends the input of enrich. */
  async #produce(enrich: ChildProcess): Promise<void> {
    const { name, args, readsStdin } = this.producer;
    const into = enrich.stdin as Writable;
    into.on('error', () => {});
    const child = this.#spawn(name, args, [readsStdin ? 'inherit' : 'ignore', into as Stream, 'pipe']);
    this.#producer = child;
    const [code, signal] = await once(child, 'close').catch((error) => {
      this.failure = cannotStart(name, error);
      return [0];
    });
    this.#status = code ?? signal;
    into.destroy();
  }

  /** Notes why the producer has failed. Once there were events, its messages have said that. */
  #failed(): void {
    const { name, runs } = this.producer;
    const isKilled = typeof this.#status === 'string';
    if (typeof this.#status === 'number') this.exitCode = this.#status;
    if (this.#hasEvents && !isKilled) {
      if (runs !== undefined) this.#take(`${runs} ended with exit status ${this.#status}`);
      return;
    }
    const how = `${name} ${isKilled ? 'was killed by' : 'ended with exit status'} ${this.#status}`;
    const reason = this.#hasEvents ? undefined : this.#early.pop()?.replace(`${name}: `, '');
    const Kind = this.#status === 2 ? UsageError : RuntimeError;
    this.failure = new Kind(reason ?? how);
  }

  #spawn(name: string, args: readonly string[], stdio: StdioOptions, user = {}): ChildProcess {
    const child = spawn(process.execPath, [pathOf(name), ...args], { stdio, ...user });
    child.on('error', () => {}); // it cannot be started, or not be signalled
    createInterface({ input: child.stderr as Readable }).on('line', (line) => {
      const message = printable(line);
      if (this.#hasEvents) return this.#take(message);
      this.#early.push(message);
      if (this.#early.length > mostMessages) this.#early.shift();
    });
    return child;
  }
}
