import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Connect, Lost, Outcome, Pending, Status } from '../../dist/index.js';
import { fresh, onExit } from './folder.js';
import { until } from './wait.js';

export const bin = fileURLToPath(new URL('../../dist/bin/', import.meta.url));

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stderr: string;
}

export function ofType<T extends Connect | Lost | Outcome | Pending | Status>(type: T['type'], lines: string[]): T[] {
  return lines.filter((line) => line.startsWith(`{"type":"${type}"`)).map((line) => JSON.parse(line));
}
/** Of an attempt: its call, what is said of it while it waits, and its end. */
export const isAttempt = (line: string) => /^{"type":"(connect|pending|outcome)"/.test(line);
export const connects = (lines: string[]) => ofType<Connect>('connect', lines);
export const statuses = (lines: string[]) => ofType<Status>('status', lines);
export const outcomes = (lines: string[]) => ofType<Outcome>('outcome', lines);
export const pendings = (lines: string[]) => ofType<Pending>('pending', lines);

const attemptPlaces = ['ring buffer', 'attempt table', 'busy program'];
const sum = (lost: Lost[]) => lost.reduce((all, { count }) => all + count, 0);
/** Of whatever kind. */
export const lostIn = (lines: string[]) => sum(ofType<Lost>('lost', lines));
export const lostAttempts = (lines: string[]) =>
  sum(ofType<Lost>('lost', lines).filter(({ where }) => attemptPlaces.includes(where)));
/** Lines that are not an attempt's last one. */
export const lostUpdates = (lines: string[]) => lostIn(lines) - lostAttempts(lines);

/** What the end status has to say, from the lines: the ledger of attempts, and the other lines. */
export function ledger(lines: string[], report: 'attempt' | 'outcome' | 'both', pending = 0) {
  const written = (type: string) => lines.filter((line) => line.startsWith(`{"type":"${type}"`)).length;
  const last = report === 'attempt' ? 'connect' : 'outcome';
  const [out, lost] = [written(last), lostAttempts(lines)];
  const updates = ['connect', 'pending', 'outcome', 'dns'].reduce((all, type) => all + written(type), -out);
  return {
    in: out + lost + pending,
    out,
    lost,
    pending,
    updates,
    lost_updates: lostUpdates(lines),
  };
}

/** What is on stderr if attempts were open at the end, and no stage reads. */
export const stillOpen = (count: number) =>
  count === 0 ? '' : `collector: ${count} ${count === 1 ? 'attempt' : 'attempts'} still open\n`;

type Count = 'in' | 'out' | 'lost' | 'pending' | 'updates' | 'lost_updates';
/** The counts of the end status. */
export function counted(lines: string[]) {
  const { type: _, v: _v, ts: _t, stage: _s, phase: _p, version: _o, ...counts } = statuses(lines).at(-1) as Status;
  return { pending: 0, ...counts } as Record<Count, number>;
}

/** A collector that runs, its output in a file: the rest of the machine may be busy, and it sees that too. */
export class Collector {
  /** Those that a test has started, or left behind when it failed. */
  static readonly running = new Set<Collector>();
  readonly path = fresh('events.ndjson');
  readonly #errors = fresh('stderr');
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  readonly #file: number;
  #read = 0;
  #rest = '';
  #lines: string[] = [];

  /** `stdout`: a descriptor to write to instead of the file. */
  constructor(
    args: (string | number)[] = [],
    private readonly keep: (line: string) => boolean = () => true,
    stdout?: number,
  ) {
    const out = openSync(this.path, 'w');
    const err = openSync(this.#errors, 'w');
    this.child = spawn(`${bin}collector`, args.map(String), { stdio: ['ignore', stdout ?? out, err] });
    onExit(() => this.child.kill('SIGKILL'));
    Collector.running.add(this);
    this.ended = once(this.child, 'exit').then(([code, signal]) => {
      Collector.running.delete(this);
      return { code, signal, stderr: readFileSync(this.#errors, 'utf8') };
    });
    closeSync(out);
    closeSync(err);
    this.#file = openSync(this.path, 'r');
  }

  /** One that has attached. */
  static async start(args: (string | number)[] = [], keep?: (line: string) => boolean): Promise<Collector> {
    const collector = new Collector(['--status', ...args], keep);
    await collector.ready();
    return collector;
  }

  async ready(): Promise<void> {
    await until('the collector starts', () => {
      if (this.child.exitCode !== null) throw new Error(`it ended: ${readFileSync(this.#errors, 'utf8')}`);
      return this.lines().length > 0;
    });
  }

  /** The whole lines so far that are to be kept; the first one always is. */
  lines(): string[] {
    const buffer = Buffer.allocUnsafe(1 << 20);
    for (let size = 1; size > 0; ) {
      size = readSync(this.#file, buffer, 0, buffer.length, this.#read);
      this.#read += size;
      const parts = (this.#rest + buffer.toString('latin1', 0, size)).split('\n');
      this.#rest = parts.pop() as string;
      for (const part of parts) {
        const line = Buffer.from(part, 'latin1').toString('utf8');
        if (this.#lines.length === 0 || !isAttempt(line) || this.keep(line)) this.#lines.push(line);
      }
    }
    return this.#lines;
  }

  /** What it has said until now. */
  said(): string {
    return readFileSync(this.#errors, 'utf8');
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended & { lines: string[] }> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    const ended = await this.ended;
    const lines = this.lines();
    closeSync(this.#file);
    return { ...ended, lines };
  }
}
