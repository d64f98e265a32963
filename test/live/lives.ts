import assert from 'node:assert/strict';
import type { Closed, Open } from '../../dist/index.js';
import type { Life, Said } from './client.js';
import { Collector, counted, lostIn, ofType, outcomes } from './collect.js';
import type { Net } from './net.js';
import { until } from './wait.js';

export const port = 8080;
export const closedIn = (lines: string[]) => ofType<Closed>('closed', lines);
export const openIn = (lines: string[]) => ofType<Open>('open', lines);

/** How a connection ended, as tests write it: `reset_received ECONNRESET`. */
export const endOf = ({ closed_by, exiting, error }: Closed) =>
  [closed_by, exiting && 'exiting', error].filter(Boolean).join(' ');

export interface Watched {
  lines: string[];
  said: Said;
}

/** A running client, as the test sees it. */
export interface Client extends ReturnType<Net['start']> {
  /** Waits until the client has printed this many results. */
  results: (count: number) => Promise<unknown>;
  /** Lets it continue. */
  go: () => void;
}

export interface Script {
  /** The steps of test/live/client/life.c. */
  steps: string;
  command?: string;
  address?: string;
  /** Steps before the collector starts; they end with `wait`. */
  before?: string;
  options?: (string | number)[];
  /** What the test does while the client runs. */
  meanwhile?: (client: Client, net: Net, collector: Collector) => Promise<unknown> | unknown;
  /** The client does not end by itself. */
  killed?: true;
}

/** A way in which a connection ends. */
export interface Ending extends Omit<Script, 'options'> {
  name: string;
  /** How: `closed_by`, `exiting` and `error` of its event, as far as they exist. */
  how: string;
  /** What the client cannot know, or knows differently. */
  more?: Partial<Life>;
}

export function start(net: Net, { before, steps, command = 'life', address = '127.0.0.1' }: Script): Client {
  const client = net.start([command, address, port, before ? `${before} ${steps}` : steps]);
  let output = '';
  client.child.stdout?.on('data', (text) => {
    output += text;
  });
  const results = (count: number) => until('the client waits', () => output.split('"then"').length > count);
  return { ...client, results, go: () => client.child.stdin?.write('\n') };
}

/** Runs a script while a collector watches its namespace, up to the collector's end. */
export async function watched(net: Net, script: Script): Promise<Watched> {
  const { before, meanwhile, options = [], killed } = script;
  const early = before && start(net, script);
  if (early) await early.results(1);
  const collector = await Collector.start(['--report', 'outcome,closed', '--netns', net.inode, ...options]);
  const client = early || start(net, script);
  if (early) early.go();
  await meanwhile?.(client, net, collector);
  const said = killed ? { attempts: [], later: [] } : await client.finish();
  const { code, lines } = await collector.stop();
  assert.equal(code, 0);
  return { lines, said };
}

/**
 * Does so again, at most twice, if an end was missed: a sandbox's kernel may run no BPF program while its own process 1 is
 * current.
 */
export async function seen(net: Net, script: Script): Promise<Watched> {
  for (let tries = 1; ; tries++) {
    const all = await watched(net, script);
    if (tries === 3 || !lostIn(all.lines)) return all;
  }
}

/** What is wrong with the event about the end of a connection, in words; empty if nothing is. */
export function wrongIn(event: Closed, { before, how, more }: Ending, said: Said): string {
  const life = { ...said.lives?.[0], ...more };
  const { duration_us: took = -1, existing = false, start } = event;
  const wrong = [];
  if (endOf(event) !== how) wrong.push(`ended by ${endOf(event)}`);
  if (event.bytes_sent !== life.sent) wrong.push(`${event.bytes_sent} bytes sent, not ${life.sent}`);
  if (event.bytes_received !== life.received)
    wrong.push(`${event.bytes_received} bytes received, not ${life.received}`);
  const { least = took, most = took } = life;
  if (!before && (took + 1 < least || took > most + 1)) wrong.push(`${took} µs, not ${least} to ${most}`);
  if (existing !== (before !== undefined) || (start === undefined) !== existing)
    wrong.push(`existing: ${existing}, start: ${start}`);
  return wrong.join('; ');
}

/** Asserts that the only connection has one outcome, unless it existed, and one end. Or returns why the client cannot do it. */
export async function ends(net: Net, ending: Ending): Promise<Closed | string> {
  const { lines, said } = await seen(net, ending);
  if (said.unavailable) return said.unavailable;
  const [event, ...others] = closedIn(lines);
  assert.ok(event && others.length === 0, lines.join('\n'));
  assert.equal(wrongIn(event, ending, said), '', lines.join('\n'));
  assert.equal(outcomes(lines).length, ending.before ? 0 : 1);
  const { open, lost } = counted(lines);
  assert.deepEqual({ open, lost }, { open: 0, lost: 0 });
  return event;
}
