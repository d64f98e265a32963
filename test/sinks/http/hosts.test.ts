import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { format } from '../../support/lines.js';
import { folder, killGroup, start, until } from '../../support/process.js';
import { type Got, Receiver } from '../../support/receiver.js';

/** How many events each host sends. SYNPIPE_HTTP_EVENTS=250000 sends more. */
const each = Number(process.env.SYNPIPE_HTTP_EVENTS ?? 10_000);
const hosts = ['a', 'b', 'c', 'd'];

/** Stores what it receives, like a store that recognizes repeated batches. */
class Store {
  readonly #batches = new Set<string>();
  readonly seen = new Map(hosts.map((host) => [host, new Uint8Array(each + 1)]));
  /** Distinct events, and events that arrived in two different batches. */
  stored = 0;
  twice = 0;

  take({ key, body }: Got): void {
    if (this.#batches.has(key)) return;
    this.#batches.add(key);
    for (const line of body.split('\n').slice(0, -1)) {
      const { host, seq } = JSON.parse(line);
      const seen = this.seen.get(host) as Uint8Array;
      if (seen[seq] === 1) this.twice++;
      else this.stored++;
      seen[seq] = 1;
    }
  }
}

const faults: ((take: () => void, response: ServerResponse) => void)[] = [
  (_, response) => response.writeHead(500).end(),
  (_, response) => response.writeHead(429, { 'retry-after': '0' }).end(),
  (take, response) =>
    setTimeout(() => {
      take(); // slow
      response.end();
    }, 200),
  (_, response) => response.socket?.resetAndDestroy(),
  (take, response) => {
    take(); // stored, but the sender does not learn it
    response.socket?.resetAndDestroy();
  },
  (_, response) => response.socket?.end(), // half-closed
];

test(`${hosts.length} hosts × ${each} events, a faulty receiver with outages, a killed sender: each event once`, async (t) => {
  const store = new Store();
  const met = new Set<number>();
  const receiver = await Receiver.start(t, (got, response, nth) => {
    const fault = Math.floor(nth / 4) % faults.length;
    if (nth % 4 === 3) {
      met.add(fault);
      return faults[fault]?.(() => store.take(got), response);
    }
    store.take(got);
    response.end();
  });
  const dir = folder(t);
  const options = `--gzip --batch-lines ${Math.max(200, each / 100)} --timeout 120s --spool spool ${receiver.url}`;
  const send = (host: string, from: number) => {
    mkdirSync(join(dir, host), { recursive: true });
    const events = `seq -f '${format.replace('"pid"', `"host":"${host}","pid"`)}' ${from} ${each}`;
    return start(t, ['bash', '-o', 'pipefail', '-c', `${events} | sink-http ${options}`], join(dir, host));
  };
  const running = hosts.slice(1).map((host) => send(host, 1).ended);

  /** The last event of a killed sender that arrived or is spooled: it has read everything before it, and nothing after. */
  const lastOf = (host: string): number => {
    const spool = join(dir, host, 'spool');
    const texts = readdirSync(spool).map((name) => readFileSync(join(spool, name), 'latin1'));
    const seqs = texts.flatMap((text) => [...text.matchAll(/"seq":(\d+),[^\n]*\n/g)].map(([, seq]) => Number(seq)));
    return seqs.reduce((most, seq) => Math.max(most, seq), (store.seen.get(host) as Uint8Array).lastIndexOf(1));
  };
  const [killed] = hosts as [string];
  const count = () => (store.seen.get(killed) as Uint8Array).reduce((sum, one) => sum + one, 0);
  let last = 0;
  for (let round = 1; round <= 3; round++) {
    const sender = send(killed, last + 1);
    const enough = (round * each) / 5;
    await until(`events of the sender in round ${round}`, () => count() >= enough);
    killGroup(sender.child);
    await sender.ended;
    last = Math.max(last, lastOf(killed));
    await receiver.down();
    await sleep(100);
    await receiver.up();
  }
  for (const { code, stderr } of [await send(killed, last + 1).ended, ...(await Promise.all(running))])
    assert.equal(code, 0, stderr);
  assert.deepEqual(
    hosts.map((host) => (store.seen.get(host) as Uint8Array).indexOf(0, 1)),
    hosts.map(() => -1),
    'the first missing seq of each host',
  );
  assert.deepEqual([store.stored, store.twice], [hosts.length * each, 0]);
  assert.equal(met.size, faults.length, 'each fault occurred');
  t.diagnostic(`${receiver.got.length} requests`);
});
