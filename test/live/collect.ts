import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Connect, Lost, Status } from '../../dist/index.js';
import { fresh, onExit } from './folder.js';
import { until } from './wait.js';

export const bin = fileURLToPath(new URL('../../dist/bin/', import.meta.url));

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stderr: string;
}

export function ofType<T extends Connect | Lost | Status>(type: T['type'], lines: string[]): T[] {
  return lines.filter((line) => line.includes(`"type":"${type}"`)).map((line) => JSON.parse(line));
}
export const connects = (lines: string[]) => ofType<Connect>('connect', lines);
export const statuses = (lines: string[]) => ofType<Status>('status', lines);
export const lostIn = (lines: string[]) => ofType<Lost>('lost', lines).reduce((sum, { count }) => sum + count, 0);

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
        if (this.#lines.length === 0 || !line.startsWith('{"type":"connect"') || this.keep(line))
          this.#lines.push(line);
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
