/*
 * Runs in a guest: each cause of a failure (test/live/causes.ts) while all tiers watch. Prints the differences by tier, as
 * one JSON object of lists.
 */
import { tiers } from '../../dist/collector/addon.js';
import { eventsByAttempt, ledger } from '../live/attempt-events.js';
import { difference, drive, prepare } from '../live/causes.js';
import type { Attempt } from '../live/client.js';
import { Collector } from '../live/collect.js';
import { link } from '../live/link.js';
import { Place } from './place.js';

const [net, other] = [new Place(), new Place()];
try {
  link(net, other);
  const rows = prepare(net, other);
  const collectors = [];
  for (const tier of tiers)
    collectors.push({ tier, collector: await Collector.start(['--tier', tier, '--netns', net.inode]) });
  const driven = await drive(net, rows);
  const wrong: Record<string, string[]> = {};
  for (const { tier, collector } of collectors) {
    const { lines } = await collector.stop();
    const all = eventsByAttempt(lines);
    wrong[tier] = driven.flatMap(({ row, pid, said }) => {
      const own = all.filter(([event]) => event?.pid === pid).flat();
      return difference(row, said.attempts[0] as Attempt, said.later[0], own, tier !== 'tracepoint');
    });
    const { attempts, lost } = ledger(lines);
    if (attempts !== rows.length || lost) wrong[tier]?.push(`${attempts} attempts, ${lost} lost of ${rows.length}`);
  }
  console.log(JSON.stringify(wrong));
} finally {
  await Promise.all([net.remove(), other.remove()]);
}
