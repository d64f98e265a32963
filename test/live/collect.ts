import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Closed, Connect, Lost, Open, Outcome, Pending, Status } from '../../dist/index.js';
import { fresh, onExit } from './folder.js';
import { until } from './wait.js';

export const bin = fileURLToPath(new URL('../../dist/bin/', import.meta.url));

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stderr: string;
}

export function ofType<T extends Closed | Connect | Lost | Open | Outcome | Pending | Status>(
  type: T['type'],
  lines: string[],
): T[] {
  return lines.filter((line) => line.startsWith(`{"type":"${type}"`)).map((line) => JSON.parse(line));
}
/** Whether a line is about an attempt: connect, pending or outcome. */
export const isAttempt = (line: string) => /^{"type":"(connect|pending|outcome)"/.test(line);
export const connects = (lines: string[]) => ofType<Connect>('connect', lines);
export const statuses = (lines: string[]) => ofType<Status>('status', lines);
export const outcomes = (lines: string[]) => ofType<Outcome>('outcome', lines);
export const pendings = (lines: string[]) => ofType<Pending>('pending', lines);

const attemptPlaces = ['ring buffer', 'attempt table', 'busy program'];
const sum = (lost: Lost[]) => lost.reduce((all, { count }) => all + count, 0);
/** The sum of all lost events, of whatever kind. */
export const lostIn = (lines: string[]) => sum(ofType<Lost>('lost', lines));
export const lostAttempts = (lines: string[]) =>
  sum(ofType<Lost>('lost', lines).filter(({ where }) => attemptPlaces.includes(where)));
/** How many lost lines were not the last one of an attempt. */
export const lostUpdates = (lines: string[]) => lostIn(lines) - lostAttempts(lines);

/** The counts that the end status must have, from the lines: attempts, and other lines. */
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

/** What stderr must say if attempts were open at the end and stdout is not read by a stage. */
export const stillOpen = (count: number) =>
  count === 0 ? '' : `collector: ${count} ${count === 1 ? 'attempt' : 'attempts'} still open\n`;

type Count = 'in' | 'out' | 'lost' | 'pending' | 'open' | 'updates' | 'lost_updates';
/** The counts of the end status. */
export function counted(lines: string[]) {
  const { type: _, v: _v, ts: _t, stage: _s, phase: _p, version: _o, ...counts } = statuses(lines).at(-1) as Status;
  return { pending: 0, ...counts } as Record<Count, number>;
}

/** A running collector that writes to a file. It also sees what the rest of the machine does. */
export class Collector {
  /** Collectors that a test has started, including those left over when it failed. */
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

  /** Starts a collector and waits until it has attached. */
  static async start(args: (string | number)[] = [], keep?: (line: string) => boolean): Promise<Collector> {
    const collector = new Collector(['--status', ...args], keep);
    await collector.ready();
    return collector;
  }

  async ready(): Promise<void> {
    await until('the collector starts', () => {
      if (this.child.exitCode !== null) throw new Error(`the collector exited: ${readFileSync(this.#errors, 'utf8')}`);
      return this.lines().length > 0;
    });
  }

  /** Returns the whole lines so far that pass `keep`. The first line is always returned. */
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

  /** Returns its stderr so far. */
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
