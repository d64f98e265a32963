import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Collector, connects, counted, lostIn, outcomes, pendings } from './collect.js';
import { stateChanges } from './ftrace.js';
import { live } from './live.js';
import { during, endOf, paired } from './outcomes.js';

for (const report of ['both', 'outcome'] as const)
  live(`--report ${report}: 20,000 attempts by 4 threads each have an outcome, none is lost`, async (net) => {
    const uid = 1_000_000 + process.pid;
    await net.serve(8080);
    const collector = await Collector.start(['--report', report, '-u', uid]);
    await net.client(['burst', 4, 5000, '127.0.0.1', 8080], uid);
    const { code, lines } = await collector.stop();
    const counts = { code, connects: connects(lines).length, outcomes: outcomes(lines).length, lost: lostIn(lines) };
    const started = report === 'both' ? 20_000 : 0;
    assert.deepEqual(counts, { code: 0, connects: started, outcomes: 20_000, lost: 0 });
    if (started) paired(lines);
    for (const event of outcomes(lines)) assert.equal(endOf(event), 'established');
    assert.equal(new Set(outcomes(lines).map(({ id }) => id)).size, 20_000);
    const updates = started + pendings(lines).length;
    assert.deepEqual(counted(lines), { in: 20_000, out: 20_000, lost: 0, pending: 0, updates, lost_updates: 0 });
  });

// Timers fire while the programs handle another socket on the same CPU.
live('each of 2,000 attempts that time out has an outcome while the machine is busy connecting', async (net) => {
  net.blackhole(8080);
  let changes: Awaited<ReturnType<typeof stateChanges>> | undefined;
  const { lines, lost, end } = await during(net, 'both', async () => {
    const busy = Array.from({ length: 3 }, () => net.start(['quiet', 1e9, '127.0.0.1', 9]));
    changes = await stateChanges(net, 'dport==8080 && newstate==7', () => net.client(['under-way', 2000, '::1', 8080]));
    for (const { child } of busy) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });
  assert.equal(changes?.all.size, 2000);
  const ended = new Set(outcomes(lines).map(({ id }) => id));
  const own = connects(lines).filter(({ dport }) => dport === 8080).length;
  assert.ok(own > 1900 && own + lost >= 2000, `${own} of 2,000 connects, ${lost} lost`);
  const without = connects(lines).filter(({ id }) => !ended.has(id));
  assert.deepEqual(
    without.filter(({ sport }) => !changes?.unseen.has(sport as number)),
    [],
  );
  // the end of an attempt that no program saw is found later, or counted as lost
  assert.ok(without.length <= lost, `${without.length} without an outcome, ${lost} lost`);
  assert.equal(end.pending, 0);
  for (const event of outcomes(lines))
    if (event.dport === 8080) assert.equal(endOf(event), 'timeout ETIMEDOUT', JSON.stringify(event));
});
