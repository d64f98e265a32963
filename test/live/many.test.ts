import assert from 'node:assert/strict';
import { Collector, connects, counted, lostIn } from './collect.js';
import { eventOf, fields, live, same, watch } from './live.js';

live('1,000 processes that exit while their connection is in progress', async (net) => {
  await net.serve(8080);
  const seen = await watch(net);
  const { attempts } = await net.client(['processes', 1000, '127.0.0.1', 8080]);
  assert.equal(new Set(attempts.map(({ pid }) => pid)).size, 1000);
  const events = await seen.events();
  assert.equal(seen.lost(), 0);
  same(events, attempts);
});

live('attempts of 1,000 processes that are refused are each reported', async (net) => {
  net.onlyPort(40000);
  const seen = await watch(net);
  const { attempts } = await net.client(['processes', 1000, '::1', 9]);
  const events = await seen.events();
  assert.equal(seen.lost(), 0);
  same(events, attempts, Array(1000).fill({ saddr: '::1', sport: 40000 }));
});

const line = (attempt: ReturnType<typeof fields>) => JSON.stringify(Object.entries(attempt).sort());

for (const address of ['127.0.0.1', '::1']) {
  live(`20,000 connects at once by 4 threads, ${address}`, async (net) => {
    const uid = 1_000_000 + process.pid; // so that only these attempts can be lost
    await net.serve(8080);
    const collector = await Collector.start(['--report', 'attempt', '-u', uid]);
    const { attempts } = await net.client(['burst', 4, 5000, address, 8080], uid);
    const { code, lines } = await collector.stop();
    assert.equal(code, 0);
    assert.equal(attempts.length, 20_000);
    const events = connects(lines);
    const lost = lostIn(lines);
    assert.equal(events.length + lost, 20_000);
    assert.equal(new Set(events.map(({ id }) => id)).size, events.length);
    assert.deepEqual(
      events.map(({ seq }) => seq),
      events.map((_, i) => i + 1),
    );
    // ports are reused: each kind has one event per attempt, except for those that were lost
    const left = new Map<string, number>();
    for (const key of attempts.map((attempt) => line(eventOf(attempt)))) left.set(key, (left.get(key) ?? 0) + 1);
    const others = events
      .map((event) => line(fields(event)))
      .filter((key) => {
        const count = left.get(key) ?? 0;
        left.set(key, count - 1);
        return count < 1;
      });
    assert.deepEqual(others.slice(0, 5), [], 'each event matches an attempt');
    const { in: all, out, lost: uncounted } = counted(lines);
    assert.deepEqual({ all, out, lost: uncounted }, { all: 20_000, out: events.length, lost });
  });
}
