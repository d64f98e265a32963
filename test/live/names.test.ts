import assert from 'node:assert/strict';
import { once } from 'node:events';
import { seeing } from './answers.js';
import { attempts, enriched } from './enriched.js';
import { linked } from './linked.js';
import { live } from './live.js';
import { nameserver, withResolver } from './nameserver.js';
import type { Net } from './net.js';

const script = new URL('names.py', import.meta.url).pathname;
const resolving = (net: Net, ...command: string[]) =>
  net.spawn(withResolver('nameserver 127.0.0.1\n', ...command), ['ignore', 'ignore', 'inherit']);
const range = (count: number) => Array.from({ length: count }, (_, i) => i);
const namesOf = (process: number, count: number) => range(count).map((i) => `p${process}-n${i}.pair.example.test`);

interface Named {
  dport: number;
  daddr: string;
  name?: string;
  name_scope?: string;
  name_ambiguous?: true;
  names?: string[];
}

/** Runs processes in parallel, each with its own names for two shared addresses. Returns their attempts by port. */
async function sideBySide(net: Net, how: 'same' | 'other', processes: number, count: number) {
  await nameserver(net);
  const collector = await seeing(net);
  const ends = range(processes).map(async (process) => {
    const args = [script, how, String(10_000 + 100 * process), ...namesOf(process, count)];
    const [code] = await once(resolving(net, 'python3', ...args), 'exit');
    assert.equal(code, 0);
  });
  await Promise.all(ends);
  const { lines } = await collector.stop();
  const events = attempts(enriched(net, `${lines.join('\n')}\n`)) as unknown as Named[];
  const found = new Map(events.filter(({ dport }) => dport >= 10_000).map((event) => [event.dport, event]));
  assert.equal(found.size, processes * count);
  return found;
}

live(
  '8 processes, 10 names each for 2 shared addresses: each attempt has the name that its thread looked up',
  async (net) => {
    const found = await sideBySide(net, 'same', 8, 10);
    for (const process of range(8))
      for (const [i, wanted] of namesOf(process, 10).entries()) {
        const { name, name_scope, name_ambiguous } = found.get(10_000 + 100 * process + i) as Named;
        assert.deepEqual(
          { name, name_scope, name_ambiguous },
          { name: wanted, name_scope: 'thread', name_ambiguous: undefined },
        );
      }
  },
);

live('look-ups in another thread: one name for an address is certain, several are candidates', async (net) => {
  const found = await sideBySide(net, 'other', 8, 10);
  for (const process of range(8))
    for (const [i, wanted] of namesOf(process, 10).entries()) {
      const { name, name_scope, name_ambiguous, names } = found.get(10_000 + 100 * process + i) as Named;
      assert.deepEqual({ name, name_scope }, { name: wanted, name_scope: 'process' }); // the latest look-up
      assert.equal(name_ambiguous, i === 0 ? undefined : true);
      if (i > 0)
        assert.deepEqual(
          names,
          namesOf(process, i + 1)
            .reverse()
            .slice(0, 8),
        );
    }
});

/** How often curl runs, every half second: 120 takes a minute. */
const times = Number(process.env.SYNPIPE_POLLS ?? 30);

linked('curl, run repeatedly during an outage: every attempt has its name', async (net) => {
  await nameserver(net);
  const collector = await seeing(net);
  const polls = range(times).map(async (i) => {
    await new Promise((resolve) => setTimeout(resolve, i * 500));
    await once(resolving(net, 'curl', '-s', '-m', '2', 'http://out.example.test:81/'), 'exit');
  });
  await Promise.all(polls);
  const { lines } = await collector.stop();
  const events = attempts(enriched(net, `${lines.join('\n')}\n`)) as unknown as Named[];
  const polled = events.filter(({ dport }) => dport === 81);
  assert.equal(polled.length, times);
  for (const { name, name_scope, name_ambiguous } of polled)
    assert.deepEqual(
      { name, name_scope, name_ambiguous },
      { name: 'out.example.test', name_scope: 'process', name_ambiguous: undefined },
    );
});
