import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Outcome } from '../../dist/index.js';
import { attemptEvents, eventsByAttempt, ledger, sequenceOf } from './attempt-events.js';
import { Collector } from './collect.js';
import { live } from './live.js';

const calls = Number(process.env.SYNPIPE_EVADE_CALLS ?? 4000);
const port = 8080;

const sorted = (numbers: (number | undefined)[]) => numbers.map(Number).sort((a, b) => a - b);

for (const report of ['outcome', 'both', 'attempt'] as const)
  for (const [mode, address] of [
    ['fam', '127.0.0.1'],
    ['fd', '127.0.0.1'],
    ['fam', '::1'],
    ['fd', '::1'],
  ] as const)
    live(
      `--report ${report}: another thread changes what the kernel is about to read, ${mode}, ${address}`,
      async (net) => {
        net.sysctl('ipv4/ip_local_port_range', '10000 65000');
        const collector = await Collector.start(['--netns', net.inode, '--report', report]);
        const { child } = net.start(['evade', mode, calls, address, port]);
        let text = '';
        child.stdout?.on('data', (part) => {
          text += part;
        });
        const [code] = await once(child, 'close');
        assert.equal(code, 0);
        const established = sorted(text.split('\n').slice(0, -1).map(Number));
        assert.ok(established.length > calls / 1000, `${established.length} established`);
        const { lines } = await collector.stop();
        const { attempts, lost, lostUpdates, open } = ledger(lines, report);
        const events = attemptEvents(lines);
        const ends = events.filter(({ type }) => type === (report === 'attempt' ? 'connect' : 'outcome')) as Outcome[];
        console.log(
          `${mode} ${report} ${address}: ${calls} calls, ${established.length} established, ${ends.length} reported, ${lost} lost`,
        );
        assert.deepEqual(
          { lost, lostUpdates, open, attempts },
          { lost: 0, lostUpdates: 0, open: 0, attempts: established.length },
        );
        assert.deepEqual(sorted(ends.map(({ sport }) => sport)), established);
        const words = { outcome: 'established', both: 'connect, established', attempt: 'connect' };
        assert.deepEqual([...new Set(eventsByAttempt(lines).map(sequenceOf))], [words[report]]);
        for (const { pid, dport, daddr, via } of events)
          assert.deepEqual({ pid, dport, daddr, via }, { pid: child.pid, dport: port, daddr: address, via: 'connect' });
      },
    );
