import assert from 'node:assert/strict';
import { once } from 'node:events';
import { eventsByAttempt, ledger, sequenceOf } from './attempt-events.js';
import { Collector } from './collect.js';
import { linesOf } from './hang.js';
import { addresses } from './link.js';
import { linked } from './linked.js';
import type { Net } from './net.js';
import { until } from './wait.js';

const processes = 4;
const { silent } = addresses[4];

/**
 * Starts processes that hold `count` attempts in total. Each connects to its own port, so that they can share local ports. The
 * SYNs are dropped before they reach the link, whose queue is too short: congestion would end some attempts early.
 */
async function hold(net: Net, count: number) {
  net.run('nft', 'add table inet t');
  net.run('nft', 'add chain inet t out { type filter hook output priority 0; }');
  net.run('nft', `add rule inet t out ip daddr ${silent} drop`);
  net.sysctl('ipv4/ip_local_port_range', '1024 65535');
  const all = Array.from(
    { length: processes },
    (_, i) => net.start(['hold', count / processes, silent, 8080 + i]).child,
  );
  const said = all.map(linesOf);
  const done = (times: number) => until('all is done', () => said.every((lines) => lines.length === times));
  await done(1);
  assert.deepEqual(
    said.flat().map(({ then }) => then),
    Array(processes).fill('ok'),
  );
  return {
    async close() {
      for (const { stdin } of all) stdin?.write('\n');
      await done(2);
    },
    async end() {
      for (const child of all) {
        const ended = once(child, 'exit');
        child.stdin?.end();
        await ended;
      }
    },
  };
}

/** How often each sequence of events occurs. */
function counted(lines: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const words of eventsByAttempt(lines).map(sequenceOf)) counts[words] = (counts[words] ?? 0) + 1;
  return counts;
}

const number = (lines: string[], type: string) => lines.filter((line) => line.startsWith(`{"type":"${type}"`)).length;

for (const report of ['outcome', 'both'] as const)
  linked(`20,000 attempts that wait at once: one line each, and one at the end, --report ${report}`, async (net) => {
    const count = 20_000;
    const collector = await Collector.start(['--netns', net.inode, '--report', report]);
    const held = await hold(net, count);
    await until('each is pending', () => number(collector.lines(), 'pending') >= count);
    const { code, stderr, lines } = await collector.stop();
    await held.end();
    assert.deepEqual({ code, stderr }, { code: 0, stderr: `collector: ${count} attempts still open\n` });
    const connect = report === 'both' ? 'connect, ' : '';
    const { attempts, open, lost, lostUpdates } = ledger(lines, report);
    assert.deepEqual({ attempts, open, lost }, { attempts: count, open: count, lost: 0 });
    if (!lostUpdates) assert.deepEqual(counted(lines), { [`${connect}pending, pending`]: count });
    assert.equal(number(lines, 'pending'), 2 * count);
    assert.equal(number(lines, 'connect') + lostUpdates, report === 'both' ? count : 0);
  });

for (const report of ['outcome', 'both', 'attempt'] as const)
  for (const when of report === 'attempt' ? ['at once'] : ['at once', 'when they are pending'])
    linked(`65,200 attempts that are all closed ${when}: none stays open, --report ${report}`, async (net) => {
      const count = 65_200;
      const collector = await Collector.start(['--netns', net.inode, '--report', report]);
      const held = await hold(net, count);
      if (when !== 'at once') await until('each is pending', () => number(collector.lines(), 'pending') >= count);
      const busy = net.start(['forever', '127.0.0.1', 9]).child;
      await held.close();
      const killed = once(busy, 'exit');
      busy.kill('SIGKILL');
      await killed;
      const { code, stderr, lines } = await collector.stop();
      await held.end();
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      const { attempts, open, lost, lostUpdates } = ledger(lines, report);
      console.log(`${report}, ${when}: ${attempts} attempts, ${lost} lost, ${lostUpdates} updates lost`);
      assert.ok(attempts >= count && open === 0, `${attempts} attempts, ${open} open`);
      const ours = lines.filter((line) => line.includes(`"daddr":"${silent}"`));
      const last = number(ours, report === 'attempt' ? 'connect' : 'outcome');
      assert.ok(last <= count && last + lost >= count, `${last} of ${count} ended, ${lost} lost`);
      const words =
        report === 'attempt' ? /^connect$/ : /^(connect, )?(pending, )?aborted$|^(connect|pending|connect, pending)$/;
      for (const events of eventsByAttempt(ours)) assert.match(sequenceOf(events), words, JSON.stringify(events));
    });
