/*
 * Runs in a guest: attempts made while many calls wait in connect(), in each tier. Prints their number by end, and what was lost,
 * for each tier.
 */
import { tiers } from '../../dist/collector/addon.js';
import { Collector, lostAttempts, outcomes } from '../live/collect.js';
import { addresses, link, waiting } from '../live/link.js';
import { until } from '../live/wait.js';
import { Place } from './place.js';

const [port, closed, waits, each] = [8080, 8081, 16, 5];
const { neighbour, silent, beyond } = addresses[4];
const [net, other] = [new Place(), new Place()];
try {
  link(net, other);
  await other.serve(port);
  const collectors = new Map<string, Collector>();
  for (const tier of tiers) {
    const options = ['--report', 'outcome', '--netns', net.inode, '--tier', tier];
    collectors.set(tier, await Collector.start(options.map(String)));
  }
  for (let i = 0; i < waits; i++) net.start(['hanging', silent, port]);
  await until('they hang', () => waiting(net).size === waits);
  const ends = [
    [neighbour, port],
    [neighbour, closed],
    [beyond, port],
  ] as const; // accepted, refused, no route
  const { pids } = await net.drive(Array.from({ length: each }, () => ends.map((end) => ['blocking', ...end])).flat());
  const reported: Record<string, Record<string, number>> = {};
  for (const [tier, collector] of collectors) {
    const { lines } = await collector.stop();
    const counts: Record<string, number> = { lost: lostAttempts(lines) };
    for (const { pid, result, error } of outcomes(lines)) {
      const end = pids.has(pid as number) ? (error ?? result) : 'of another';
      counts[end] = (counts[end] ?? 0) + 1;
    }
    reported[tier] = counts;
  }
  console.log(JSON.stringify(reported));
} finally {
  await Promise.all([net.remove(), other.remove()]);
}
