import assert from 'node:assert/strict';
import { eventsByAttempt, ledger, sequenceOf } from './attempt-events.js';
import { live } from './live.js';
import { stuck } from './stuck.js';

const count = 200_000;
for (const report of ['outcome', 'attempt', 'both'] as const)
  live(`${count} connects while the reader is stopped: the ledger adds up, --report ${report}`, async (net) => {
    const { collector, reader, lines, read } = await stuck('--netns', net.inode, '--report', report);
    await Promise.all([0, 1].map(() => net.client(['quiet', count / 2, '127.0.0.1', 9])));
    reader.kill('SIGCONT');
    assert.equal((await collector.stop()).code, 0);
    await read;
    const all = lines();
    const { attempts, connects, outcomes, open, lost, lostUpdates } = ledger(all, report);
    console.log(`${report}: ${outcomes} outcomes, ${connects} connects, ${lost} and ${lostUpdates} updates lost`);
    assert.deepEqual({ attempts, open }, { attempts: count, open: 0 });
    assert.ok(lost > 0 && lost < count);
    if (report === 'both') assert.equal(connects + lostUpdates, count);
    const words =
      report === 'attempt'
        ? /^connect ECONNREFUSED$/
        : /^((connect ECONNREFUSED, )?refused ECONNREFUSED|connect ECONNREFUSED)$/;
    for (const events of eventsByAttempt(all)) assert.match(sequenceOf(events), words);
  });
