/**
 * Measures the page under load, with SECONDS of EVENTS_PER_SECOND: how long its main thread was blocked (long tasks, over
 * 50 ms), its heap, and sink-web's memory.
 *
 *     node --import tsx test/bench/web.ts [SECONDS] [EVENTS_PER_SECOND]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { browser } from '../support/browser.js';

const seconds = Number(process.argv[2] ?? 60);
const rate = Number(process.argv[3] ?? 5_000);
const root = new URL('../../', import.meta.url).pathname;
const child = spawn(`${root}dist/bin/sink-web`, ['-l', '0'], { stdio: ['pipe', 'ignore', 'pipe'] });
const [output] = await once(child.stderr, 'data');
const chromium = await browser();
const page = await chromium.newPage({ viewport: { width: 1360, height: 860 } });
await page.addInitScript(() => {
  const long: number[] = [];
  Object.assign(window, { long });
  new PerformanceObserver((list) => long.push(...list.getEntries().map((entry) => entry.duration))).observe({
    type: 'longtask',
  });
});
await page.goto(/http:\S+/.exec(String(output))?.[0] as string);

let seq = 0;
function event(now: number): string {
  const i = ++seq;
  const ts = new Date(now).toISOString().replace('Z', '000Z');
  const failed = i % 17 === 0;
  return `${JSON.stringify({
    ...{ type: 'outcome', v: 1, seq: i, ts, id: String(i), pid: i % 50, comm: `worker-${i % 40}`, family: 4 },
    ...{ saddr: '192.0.2.10', sport: 1 + (i % 65535), daddr: `192.0.2.${i % 97}`, dport: [443, 80, 5432][i % 3] },
    ...{ via: 'connect', result: failed ? 'refused' : 'established' },
    ...(failed ? { errno: 111, error: 'ECONNREFUSED' } : {}),
    latency_us: 100 + ((i * 7919) % 90_000),
  })}\n`;
}

const heaps: number[] = [];
const sizes: number[] = [];
const began = Date.now();
for (let tick = 1; tick <= seconds * 20; tick++) {
  const now = Date.now();
  let text = '';
  for (let i = 0; i < rate / 20; i++) text += event(now);
  if (!child.stdin.write(text)) await once(child.stdin, 'drain');
  if (tick % 100 === 0) {
    heaps.push(
      await page.evaluate(() => (performance as never as { memory: { usedJSHeapSize: number } }).memory.usedJSHeapSize),
    );
    sizes.push(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) * 1024);
  }
  await sleep(Math.max(0, began + tick * 50 - Date.now()));
}
const took = (Date.now() - began) / 1000;
const sent = seq;
await page.waitForFunction(
  (total) =>
    Number(document.getElementById('older')?.textContent) + Number(document.getElementById('attempts')?.textContent) ===
    total,
  sent,
);
const long: number[] = await page.evaluate(() => (window as never as { long: number[] }).long);
await chromium.close();
child.kill('SIGINT');
child.stdin.end();

const mega = (bytes: number[]) => bytes.map((one) => Math.round(one / 1e5) / 10);
const result = {
  date: new Date().toISOString(),
  machine: { kernel: release(), cpu: cpus()[0]?.model, cores: cpus().length, node: process.version },
  ...{ seconds: took, events: sent, perSecond: Math.round(sent / took) },
  longTasks: {
    count: long.length,
    longestMs: Math.round(Math.max(0, ...long)),
    sumMs: Math.round(long.reduce((a, b) => a + b, 0)),
  },
  ...{ heapMB: mega(heaps), sinkWebRssMB: mega(sizes) },
};
mkdirSync(new URL('runs/', import.meta.url), { recursive: true });
writeFileSync(new URL(`runs/web-${release()}.json`, import.meta.url), `${JSON.stringify(result, undefined, 1)}\n`);
console.log(result);
