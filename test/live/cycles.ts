/*
 * Run by robust.test.ts: starts and stops the tracer repeatedly in one process, in 8 threads at a time, since each start
 * waits for the kernel. Arguments: the cycle counts after which it prints the resources it holds, as JSON.
 */
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { held, kinds } from './held.js';

export interface Holds {
  fds: number;
  bpf: number;
  threads: number;
  rssKb: number;
}

const threads = 8;

/** Plain JavaScript, because the TypeScript loader does not work in workers here. */
const cycles = `
  const { parentPort } = require('node:worker_threads');
  const fd = require('node:fs').openSync('/dev/null', 'w');
  const loaded = import(${JSON.stringify(new URL('../../dist/collector/addon.js', import.meta.url).href)});
  parentPort.on('message', async (count) => {
    const { loadAddon, objectOf } = await loaded;
    const addon = loadAddon();
    const options = { object: objectOf('tracepoint'), fd, uids: [4000000000], report: 3 };
    for (let i = 0; i < count; i++)
      await new Promise((resolve) => {
        addon.start(options, resolve);
        addon.stop();
      });
    globalThis.gc?.();
    parentPort.postMessage('done');
  });`;

function holds(): Holds {
  globalThis.gc?.();
  const status = readFileSync('/proc/self/status', 'utf8');
  const number = (key: string) => Number(status.match(new RegExp(`^${key}:\\s*(\\d+)`, 'm'))?.[1]);
  return {
    fds: readdirSync('/proc/self/fd').length,
    bpf: kinds.reduce((sum, kind) => sum + held(kind, process.pid).length, 0),
    threads: number('Threads'),
    rssKb: number('VmRSS'),
  };
}

const workers = Array.from({ length: threads }, () => new Worker(cycles, { eval: true, execArgv: [] }));
const results: Holds[] = [];
let done = 0;
for (const mark of process.argv.slice(2).map(Number)) {
  for (const worker of workers) worker.postMessage((mark - done) / threads);
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  done = mark;
  results.push(holds());
}
await Promise.all(workers.map((worker) => worker.terminate()));
console.log(JSON.stringify([...results, holds()]));
