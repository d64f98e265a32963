import assert from 'node:assert/strict';
import { eventsByAttempt, ledger } from './attempt-events.js';
import { drive } from './causes.js';
import { Collector, outcomes } from './collect.js';
import { difference, open, prepare } from './drops.js';
import { linked } from './linked.js';
import { live } from './live.js';
import { closedIn, seen } from './lives.js';

linked('--drops: why this machine dropped packets of an attempt, and where', async (net, other) => {
  const rows = await prepare(net, other);
  // Again if an end was missed: a sandbox's kernel may run no BPF program while its own process 1 is current.
  for (let tries = 1; ; tries++) {
    const collector = await Collector.start(['--drops', '--netns', net.inode]);
    const driven = await drive(net, rows);
    const { lines } = await collector.stop();
    if (outcomes(lines).length < rows.length && tries < 3) continue;
    const all = eventsByAttempt(lines);
    const wrong = driven.flatMap(({ row, pid }) => difference(row, all.filter(([event]) => event?.pid === pid).flat()));
    assert.deepEqual(wrong, []);
    const { attempts, lost, open } = ledger(lines);
    assert.deepEqual({ attempts, lost, open }, { attempts: rows.length, lost: 0, open: 0 });
    return;
  }
});

for (const { name, drop, ...script } of open)
  live(`--drops: ${name}`, async (net) => {
    const { lines } = await seen(net, { ...script, options: ['--drops'] });
    const [closed] = closedIn(lines);
    assert.ok(closed, lines.join('\n'));
    assert.deepEqual([closed.closed_by, closed.drop_reason, closed.drop_at], ['timeout', ...drop]);
    assert.ok((closed.drop_count ?? 0) >= 1);
    assert.equal(outcomes(lines)[0]?.drop_reason, undefined);
  });

live('a connection that nothing happens to has no drops; without --drops there are none', async (net) => {
  for (const options of [['--drops'], []]) {
    const { lines } = await seen(net, { steps: 'c>1000000 s>1000000 cX sX', options });
    const [closed] = closedIn(lines);
    assert.ok(closed, lines.join('\n'));
    assert.equal(closed.drop_reason, undefined, lines.join('\n'));
  }
});
