import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Outcome, Pending } from '../../dist/index.js';
import { invalid } from '../../dist/schemas/pipe/line/line.js';
import { counted, isAttempt, ledger, statuses } from './collect.js';
import { live } from './live.js';
import { Pipeline } from './pipeline.js';
import { until } from './wait.js';

const port = 2000 + (process.pid % 30_000);
const literal = `collector | filter --dport ${port} | sink-file out.ndjson`;
const complete = 'collector --status | filter | sink-file out.ndjson';
const sideBySide = 4;

/** Checks that all lines are whole, valid events. */
function check(pipeline: Pipeline, where: string): string[] {
  const text = pipeline.text();
  assert.ok(text === '' || text.endsWith('\n'), `${where}: the last line is torn: ${text.slice(-200)}`);
  const lines = text.split('\n').slice(0, -1);
  for (const line of lines) assert.equal(invalid(JSON.parse(line)), undefined, `${where}: ${line}`);
  return lines;
}

async function literally(signal: NodeJS.Signals, when: number): Promise<void> {
  const pipeline = new Pipeline(literal);
  await sleep(when);
  pipeline.kill(signal);
  await pipeline.ended;
  const lines = check(pipeline, `${signal} after ${when} ms`);
  for (const line of lines.filter(isAttempt)) assert.equal(JSON.parse(line).dport, port);
  assert.equal(pipeline.stderr.replace(/^(Killed|Terminated)\n/gm, ''), '');
}

/** Once all three stages run, a signal that can be caught loses nothing that was written into the pipe. */
async function completely(signal: NodeJS.Signals, when: number): Promise<void> {
  const pipeline = new Pipeline(complete);
  await until('the pipeline works', () => pipeline.text().length > 0);
  await sleep(when);
  pipeline.kill(signal);
  await pipeline.ended;
  const where = `${signal} ${when} ms after the first line`;
  const lines = check(pipeline, where);
  const events = lines.filter(isAttempt).map((line): Outcome | Pending => JSON.parse(line));
  const gap = events.findIndex(({ seq }, i) => seq !== i + 1);
  assert.equal(gap, -1, `${where}: a gap at line ${gap}`);
  if (signal === 'SIGKILL') return;
  const [, end] = statuses(lines);
  assert.ok(end, where);
  assert.deepEqual(counted(lines), ledger(lines, 'outcome', counted(lines).pending), `${where}: ${pipeline.stderr}`);
}

const signals = ['SIGKILL', 'SIGTERM', 'SIGINT'] as const;

live(
  '200 pipelines killed at random: whole lines, valid events, nothing lost that can be kept',
  async (net) => {
    net.start(['forever', '127.0.0.1', port]);
    let left = 200;
    const one = async () => {
      while (left-- > 0) {
        const signal = signals[left % 3] as NodeJS.Signals;
        if (left % 2) await literally(signal, Math.random() * 1200);
        else await completely(signal, Math.random() * 300);
      }
    };
    await Promise.all(Array.from({ length: sideBySide }, one));
  },
  { timeout: 900_000 },
);
