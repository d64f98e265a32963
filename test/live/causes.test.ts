import assert from 'node:assert/strict';
import { type AttemptEvent, eventsByAttempt, ledger, sequenceOf } from './attempt-events.js';
import { difference, drive, prepare } from './causes.js';
import type { Attempt } from './client.js';
import { Collector } from './collect.js';
import { addresses } from './link.js';
import { linked } from './linked.js';

linked('each cause: who rejected the attempt, and how', async (net, other) => {
  const rows = prepare(net, other);
  const collector = await Collector.start(['--netns', net.inode]);
  const driven = await drive(net, rows);
  const { lines } = await collector.stop();
  const all = eventsByAttempt(lines);
  const wrong = driven.flatMap(({ row, pid, said }) => {
    const own = all.filter(([event]) => event?.pid === pid).flat();
    return difference(row, said.attempts[0] as Attempt, said.later[0], own, false);
  });
  assert.deepEqual(wrong, []);
  const { attempts, lost, open } = ledger(lines);
  assert.deepEqual({ attempts, lost, open }, { attempts: rows.length, lost: 0, open: 0 });
});

linked('an attempt that succeeds has no cause, even if its first SYN was rejected', async (net, other) => {
  const port = 8080;
  await other.serve(port);
  other.run('nft', 'add table inet t');
  other.run('nft', 'add chain inet t in { type filter hook input priority 0; }');
  const once = 'limit rate 1/day burst 1 packets';
  other.run('nft', `add rule inet t in tcp dport ${port} ${once} reject with icmp host-unreachable`);
  const collector = await Collector.start(['--netns', net.inode]);
  await net.client(['blocking', addresses[4].neighbour, port]);
  const { lines } = await collector.stop();
  const [events] = eventsByAttempt(lines) as [AttemptEvent[]];
  assert.match(sequenceOf(events), /^(pending, )?established$/);
  const { icmp, icmp_from, errno, retransmits } = events.at(-1) as unknown as Record<string, unknown>;
  assert.deepEqual(
    { icmp, icmp_from, errno, retransmits },
    { icmp: undefined, icmp_from: undefined, errno: undefined, retransmits: 1 },
  );
  ledger(lines);
});
