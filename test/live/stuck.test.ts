import assert from 'node:assert/strict';
import { counted, ledger, lostIn, outcomes } from './collect.js';
import { live } from './live.js';
import { peakKb, stuck } from './stuck.js';
import { until } from './wait.js';

const uid = 1_000_000 + process.pid;

live('a stopped reader: memory stays bounded, and every attempt is later reported or counted as lost', async (net) => {
  const { collector, reader, lines, read } = await stuck('-u', uid);
  const pid = collector.child.pid as number;
  await net.client(['quiet', 1000, '127.0.0.1', 9], uid);
  const before = peakKb(pid);
  await net.client(['quiet', 60_000, '127.0.0.1', 9], uid);
  const grown = peakKb(pid) - before;
  assert.ok(grown < 32 * 1024, `it grew by ${grown} KiB`);
  reader.kill('SIGCONT');
  await until('the loss is reported while it runs', () => lostIn(lines()) > 0 && outcomes(lines()).length > 10_000);
  await net.client(['quiet', 10, '127.0.0.1', 9], uid);
  const { code } = await collector.stop();
  assert.equal(code, 0);
  await read;
  const all = lines();
  const events = outcomes(all);
  assert.equal(events.length + lostIn(all), 61_010);
  assert.deepEqual(
    events.map(({ seq }) => seq),
    events.map((_, i) => i + 1),
  );
  assert.deepEqual(counted(all), ledger(all, 'outcome'));
});

live('SIGTERM with a stopped reader waits, and everything seen is delivered', async (net) => {
  const { collector, reader, lines, read } = await stuck('-u', uid);
  await net.client(['quiet', 5000, '127.0.0.1', 9], uid);
  collector.child.kill('SIGTERM');
  await net.client(['quiet', 100, '127.0.0.1', 9]); // time to end wrongly
  assert.equal(collector.child.exitCode, null);
  reader.kill('SIGCONT');
  assert.equal((await collector.ended).code, 0);
  await read;
  assert.equal(outcomes(lines()).length + lostIn(lines()), 5000);
});

live('a second SIGTERM with a stopped reader ends it', async (net) => {
  const { collector, reader } = await stuck('-u', uid);
  await net.client(['quiet', 5000, '127.0.0.1', 9], uid);
  for (let n = 0; collector.child.exitCode === null && collector.child.signalCode === null; n++) {
    assert.ok(n < 500, 'it does not end');
    collector.child.kill('SIGTERM');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  reader.kill('SIGKILL');
});
