import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { Collector } from './collect.js';
import { fresh, onExit } from './folder.js';
import { until } from './wait.js';

export const peakKb = (pid: number) => Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmHWM:\s+(\d+)/)?.[1]);

/** Starts a collector with a reader that is stopped as soon as it has read the first line. */
export async function stuck(...args: (string | number)[]) {
  const fifo = fresh('fifo');
  const file = fresh('read.ndjson');
  execFileSync('mkfifo', [fifo]);
  const hold = openSync(fifo, constants.O_RDWR);
  const out = openSync(file, 'w');
  const reader = spawn('cat', [fifo], { stdio: ['ignore', out, 'inherit'] });
  onExit(() => reader.kill('SIGKILL'));
  closeSync(out);
  const writeEnd = openSync(fifo, constants.O_WRONLY);
  const collector = new Collector(['--status', ...args], undefined, writeEnd);
  closeSync(writeEnd);
  const lines = () => readFileSync(file, 'utf8').split('\n').slice(0, -1);
  await until('the first line', () => lines().length > 0);
  closeSync(hold);
  reader.kill('SIGSTOP');
  return { collector, reader, lines, read: once(reader, 'exit') };
}
