import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { bin } from './collect.js';
import type { Net } from './net.js';

/**
 * Runs enrich on lines, in a namespace whose server it asks, waiting for all look-ups unless the options `more` say
 * otherwise. Returns all events, its status last.
 */
export function enriched(net: Net, input: string, more: Record<string, string> = {}): Record<string, unknown>[] {
  const given = { with: 'names', resolver: '127.0.0.1', etc: '/nonexistent', wait: '30000ms', ...more };
  const args = ['--private', '--status', ...Object.entries(given).map(([name, value]) => `--${name}=${value}`)];
  const [file, ...before] = net.enter as [string, ...string[]];
  const { stdout, stderr, status } = spawnSync(file, [...before, `${bin}enrich`, ...args], { input, encoding: 'utf8' });
  assert.deepEqual({ stderr, status }, { stderr: '', status: 0 });
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** Returns the events of attempts: connect or outcome, whichever the input has. */
export const attempts = (events: Record<string, unknown>[]) =>
  events.filter(({ type }) => type === 'connect' || type === 'outcome');
