import assert from 'node:assert/strict';
import { Collector, connects, lostIn, statuses } from './collect.js';
import { live } from './live.js';
import { endOf, outcomes, paired } from './outcomes.js';

for (const report of ['both', 'outcome'] as const)
  live(`--report ${report}: 20,000 at once by 4 threads, each has its outcome, none is lost`, async (net) => {
    const uid = 1_000_000 + process.pid;
    await net.serve(8080);
    const collector = await Collector.start(['--report', report, '-u', uid]);
    await net.client(['burst', 4, 5000, '127.0.0.1', 8080], uid);
    const { code, lines } = await collector.stop();
    const counts = { code, connects: connects(lines).length, outcomes: outcomes(lines).length, lost: lostIn(lines) };
    const told = report === 'both' ? 20_000 : 0;
    assert.deepEqual(counts, { code: 0, connects: told, outcomes: 20_000, lost: 0 });
    if (told) paired(lines);
    for (const event of outcomes(lines)) assert.equal(endOf(event), 'established');
    assert.equal(new Set(outcomes(lines).map(({ id }) => id)).size, 20_000);
    const { in: all, out, pending } = statuses(lines).at(-1) ?? {};
    assert.deepEqual({ all, out, pending }, { all: told + 20_000, out: told + 20_000, pending: 0 });
  });
