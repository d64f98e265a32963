/** sink-web on known events, for tests with a browser. Both belong to the test file that imports this. */
import { once } from 'node:events';
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { browser } from '../../support/browser.js';
import { connect, ndjson } from '../../support/events.js';
import { type Running, start } from '../../support/process.js';

export let chromium: Browser;
export let dir: string;
before(async () => {
  chromium = await browser();
  dir = mkdtempSync(join(tmpdir(), 'synpipe-web-'));
});
after(async () => {
  await chromium.close();
  rmSync(dir, { recursive: true });
});

/** Starts sink-web on a free port. Returns its address. */
export async function serve(
  t: TestContext,
  input: string | 'pipe',
  ...options: string[]
): Promise<Running & { url: string }> {
  const stdin = input === 'pipe' ? 'pipe' : openSync(input, 'r');
  const running = start(t, ['sink-web', ...(options.includes('-l') ? [] : ['-l', '0']), ...options], dir, [
    stdin,
    'pipe',
    'pipe',
  ]);
  const [output] = await once(running.child.stderr as NonNullable<typeof running.child.stderr>, 'data');
  return { ...running, url: /http:\S+/.exec(output)?.[0] as string };
}

const at = (i: number) => new Date(Date.parse('2026-11-23T08:00:00Z') + i * 250).toISOString().replace('Z', '000Z');
const names = ['curl', 'node', 'postgres'];
const places = [
  { daddr: '192.0.2.7', dport: 443, name: 'api.example.com', name_source: 'dns' },
  { daddr: '2001:db8::5', dport: 5432, family: 6 },
  { daddr: '203.0.113.9', dport: 22 },
];

/** Attempts of three processes to three places, every fourth to port 22 and refused: the connect and outcome of each. */
export function known(count: number, from = 0): Record<string, unknown>[] {
  return Array.from({ length: count }, (_, n) => n + from).flatMap((i) => {
    const comm = names[(i * i) % 3] as string;
    const failed = i % 4 === 0;
    const common = {
      ts: at(i),
      id: String(i + 1),
      pid: 100 + ((i * i) % 3),
      comm,
      ...(failed ? places[2] : places[i % 2]),
    };
    const refused = failed ? { errno: 111, error: 'ECONNREFUSED' } : {};
    return [
      connect({ ...common, seq: 2 * i + 1, ...refused }),
      {
        ...connect({ ...common, seq: 2 * i + 2 }),
        type: 'outcome',
        result: failed ? 'refused' : 'established',
        ...refused,
        latency_us: 100 * (i + 1),
      },
    ];
  });
}

export function file(name: string, ...events: unknown[]): string {
  const path = join(dir, name);
  writeFileSync(path, ndjson(...events));
  return path;
}

/** Waits until the page shows this number of attempts. */
export const attempts = (page: Page, count: number) =>
  page.waitForFunction((wanted) => document.getElementById('attempts')?.textContent === wanted, String(count));
