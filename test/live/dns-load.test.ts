import assert from 'node:assert/strict';
import type { Lost } from '../../dist/index.js';
import { dnsIn, seeing } from './answers.js';
import { counted, ledger, lostAttempts, lostIn, lostUpdates, ofType, outcomes } from './collect.js';
import { live } from './live.js';
import { nameserver } from './nameserver.js';
import type { Net } from './net.js';
import { peakKb, stuck } from './stuck.js';
import { until } from './wait.js';

const flood = new URL('flood.cjs', import.meta.url).pathname;

/** Sends `count` queries. All are answered. */
function ask(net: Net, count: number, suffix = 'many.example.test'): void {
  assert.equal(Number(net.run(process.execPath, flood, String(count), suffix)), count);
}

live('20,000 answers at full speed are each reported once, and none is lost', async (net) => {
  await nameserver(net);
  const collector = await seeing(net);
  ask(net, 20_000);
  const { lines } = await collector.stop();
  const events = dnsIn(lines);
  const names = new Set(events.map(({ name }) => name));
  const counts = { events: events.length, names: names.size, lost: lostIn(lines) };
  assert.deepEqual(counts, { events: 20_000, names: 20_000, lost: 0 });
});

live('a stopped reader: memory stays bounded, and each answer is later reported or counted as lost', async (net) => {
  await nameserver(net);
  const { collector, reader, lines, read } = await stuck('--dns', `--netns=${net.inode}`);
  const pid = collector.child.pid as number;
  ask(net, 1000);
  await net.client(['quiet', 100, '127.0.0.1', 9]);
  const before = peakKb(pid);
  ask(net, 40_000);
  await net.client(['quiet', 100, '127.0.0.1', 9]);
  const grown = peakKb(pid) - before;
  assert.ok(grown < 32 * 1024, `it grew by ${grown} KiB`);
  reader.kill('SIGCONT');
  await until('the loss is reported while it runs', () => lostIn(lines()) > 0);
  ask(net, 100);
  assert.equal((await collector.stop()).code, 0);
  await read;
  const all = lines();
  const [events, lost] = [dnsIn(all).length, lostUpdates(all)];
  assert.equal(events + lost, 41_100);
  assert.equal(lostAttempts(all), 0);
  assert.equal(outcomes(all).length, 200, 'attempts have a separate buffer');
  assert.ok(ofType<Lost>('lost', all).some(({ where }) => where === 'dns ring buffer'));
  assert.deepEqual(counted(all), ledger(all, 'outcome'));
  assert.deepEqual(counted(all), { in: 200, out: 200, lost: 0, pending: 0, updates: events, lost_updates: lost });
});
