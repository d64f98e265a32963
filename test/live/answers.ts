import assert from 'node:assert/strict';
import type { Dns, Outcome } from '../../dist/index.js';
import { flags, ip4, message, name, question, record } from '../support/dns.js';
import { Collector } from './collect.js';
import type { Net } from './net.js';
import { until } from './wait.js';

export const dnsIn = (lines: string[]): Dns[] =>
  lines.filter((line) => line.startsWith('{"type":"dns"')).map((line) => JSON.parse(line));

/** An exchange for exchange.cjs. */
export interface Exchange {
  query: string | string[];
  answers: string[];
  to?: string;
  server?: string;
  other?: string;
  port?: number;
  connected?: boolean;
  delay?: number;
  tcp?: true;
}

let ids = 1000;
/** Returns an ID that no other query of this file has. */
export const fresh = (): number => ids++;

/** A query for the addresses of a name, and the answers to it. */
export function ask(of: string, answers: (id: number) => Buffer[], more: Partial<Exchange> = {}): Exchange {
  const id = fresh();
  const query = message({ id, questions: [question(name(of))] }).toString('hex');
  return { query, answers: answers(id).map((answer) => answer.toString('hex')), ...more };
}

/** A correct answer. */
export const right = (id: number, of: string, address = '192.0.2.1'): Buffer =>
  message({
    id,
    flags: flags.answer,
    questions: [question(name(of))],
    answers: [record({ type: 'A', data: ip4(address) })],
  });

export async function exchange(net: Net, exchanges: Exchange[]): Promise<void> {
  const child = net.spawn(
    [process.execPath, new URL('exchange.cjs', import.meta.url).pathname],
    ['pipe', 'pipe', 'inherit'],
  );
  let output = '';
  child.stdout?.on('data', (data) => {
    output += data;
  });
  child.stdin?.end(JSON.stringify(exchanges));
  await until('the exchanges are done', () => {
    assert.equal(child.exitCode ?? 0, 0, 'exchange.cjs failed');
    return output === 'done\n';
  });
}

/** Starts a collector with --dns that sees one namespace. */
export async function seeing(net: Net, ...args: string[]): Promise<Collector> {
  return Collector.start(['--dns', `--netns=${net.inode}`, ...args]);
}

/** Returns all events so far: a new exchange marks the end. */
export async function seen(net: Net, collector: Collector): Promise<(Dns | Outcome)[]> {
  const mark = `mark-${fresh()}.test`;
  await exchange(net, [ask(mark, (id) => [right(id, mark)])]);
  const isMark = (line: string) => line.includes(`"name":"${mark}"`);
  const lines = await until('the mark', () => collector.lines().some(isMark) && collector.lines());
  return lines
    .slice(0, lines.findIndex(isMark))
    .map((line) => JSON.parse(line))
    .filter(({ type }) => type === 'dns' || type === 'outcome');
}

type LookupField =
  | 'name'
  | 'rcode'
  | 'error'
  | 'search'
  | 'cnames'
  | 'addrs'
  | 'ttl'
  | 'attempts'
  | 'server'
  | 'transport';

/** The fields that an exchange determines, of a look-up that returned addresses or failed. */
export function lookupFields(event: Dns): Pick<Dns, LookupField> {
  const { name, rcode, error, search, cnames, addrs, ttl, attempts, server, transport } = event;
  const end = error ? { rcode, error, search } : { cnames, addrs, ttl, attempts };
  return JSON.parse(JSON.stringify({ name, ...end, server, transport })); // drops undefined fields
}

/** Sorts events by the end of their look-ups: failures are written later. */
export const inOrder = (events: Dns[]): Dns[] => [...events].sort((a, b) => (a.ts < b.ts ? -1 : 1));
