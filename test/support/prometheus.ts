import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './port.js';
import { folder, start, until } from './process.js';
import { root } from './shell.js';

/** Checks metrics with Prometheus's own parser and naming rules. Throws what it reports. */
export function lint(text: string): void {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
  assert.deepEqual({ status, said: stdout + stderr }, { status: 0, said: '' }, text);
}

/** The samples, by name and labels as written. */
export const samples = (text: string) =>
  new Map(
    text
      .split('\n')
      .filter((row) => row && !row.startsWith('#'))
      .map((row) => [row.slice(0, row.lastIndexOf(' ')), Number(row.slice(row.lastIndexOf(' ') + 1))]),
  );

/** Starts a command that serves its metrics on a free port. */
export async function serving(t: TestContext, argv: string[], cwd = root) {
  const running = start(t, argv, cwd, ['pipe', 'pipe', 'pipe']);
  let said = '';
  running.child.stderr?.on('data', (text) => {
    said += text;
  });
  await until('the address', () => said.includes('/metrics'));
  const url = /metrics at (\S+)/.exec(said)?.[1] as string;
  const scrape = async () => {
    const response = await fetch(url);
    assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    return response.text();
  };
  return { ...running, url, scrape };
}

/** Starts a server from a Debian package on a free port. Resolves to its address. */
export async function server(t: TestContext, argv: string[], dir: string): Promise<string> {
  const port = await freePort();
  const { child } = start(t, [...argv, `--web.listen-address=127.0.0.1:${port}`], dir, ['ignore', 'ignore', 'pipe']);
  child.stderr?.resume();
  const url = `http://127.0.0.1:${port}`;
  for (;;) {
    assert.equal(child.exitCode, null);
    const ready = await fetch(url).catch(() => undefined);
    if (ready) return url;
    await sleep(20);
  }
}

/** What a query returns: its series, each with its newest value. */
type Found = { metric: Record<string, string>; value: [time: number, value: string] }[];

/**
 * Starts Prometheus, which scrapes these addresses every 100 ms. Resolves to a function that runs a query, as of now or of a time
 * (s since 1970). Its result is undefined if Prometheus does not accept the query, or is not ready. A scrape that takes longer
 * than 100 ms fails, and leaves no series until the next one.
 */
export async function prometheus(
  t: TestContext,
  { targets, rules = [] }: { targets: string[]; rules?: string[] },
): Promise<(query: string, at?: number) => Promise<Found | undefined>> {
  const dir = folder(t);
  const job = { job_name: 'synpipe', scrape_interval: '100ms', scrape_timeout: '100ms' };
  const hosts = targets.map((url) => new URL(url).host);
  const global = { evaluation_interval: '100ms' };
  const config = { global, rule_files: rules, scrape_configs: [{ ...job, static_configs: [{ targets: hosts }] }] };
  writeFileSync(join(dir, 'prometheus.yml'), JSON.stringify(config)); // JSON is YAML
  const own = [`--config.file=${dir}/prometheus.yml`, `--storage.tsdb.path=${dir}/data`]; // Debian's default outlives the test
  const url = await server(t, ['prometheus', ...own], dir);
  return async (query, at) => {
    const time = at === undefined ? '' : `&time=${at}`;
    const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}${time}`);
    return answer.ok ? ((await answer.json()) as { data: { result: Found } }).data.result : undefined;
  };
}
