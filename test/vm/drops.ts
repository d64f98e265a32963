/*
 * Runs in a guest: attempts and connections whose packets are dropped (test/live/drops.ts) while all tiers watch. Prints the
 * differences by tier, as one JSON object of lists.
 */
import { tiers } from '../../dist/collector/addon.js';
import { eventsByAttempt, ledger } from '../live/attempt-events.js';
import { drive } from '../live/causes.js';
import { Collector } from '../live/collect.js';
import { difference, open, prepare } from '../live/drops.js';
import { link } from '../live/link.js';
import { closedIn, start } from '../live/lives.js';
import { Place } from './place.js';

const wrong: Record<string, string[]> = Object.fromEntries(tiers.map((tier) => [tier, []]));

/** Starts a collector of each tier, runs `body`, and judges the lines of each. */
async function watch(net: Place, body: () => Promise<void>, judge: (lines: string[]) => string[]): Promise<void> {
  const collectors = new Map<string, Collector>();
  for (const tier of tiers) {
    const options = ['--drops', '--report', 'outcome,closed', '--netns', net.inode, '--tier', tier];
    collectors.set(tier, await Collector.start(options.map(String)));
  }
  await body();
  for (const [tier, collector] of collectors) wrong[tier]?.push(...judge((await collector.stop()).lines));
}

const [net, other] = [new Place(), new Place()];
try {
  link(net, other);
  const rows = await prepare(net, other);
  let driven: Awaited<ReturnType<typeof drive<(typeof rows)[number]>>> = [];
  await watch(
    net,
    async () => {
      driven = await drive(net, rows);
    },
    (lines) => {
      const all = eventsByAttempt(lines);
      const { attempts, lost } = ledger(lines);
      return [
        ...driven.flatMap(({ row, pid }) => difference(row, all.filter(([event]) => event?.pid === pid).flat())),
        ...(attempts !== rows.length || lost ? [`${attempts} attempts, ${lost} lost of ${rows.length}`] : []),
      ];
    },
  );
} finally {
  await Promise.all([net.remove(), other.remove()]);
}

for (const { name, drop, ...script } of open) {
  const place = new Place();
  try {
    await watch(
      place,
      async () => {
        const client = start(place, script);
        await script.meanwhile?.(client, place, undefined as never);
        await client.finish();
      },
      (lines) => {
        const [closed] = closedIn(lines);
        const is = [closed?.closed_by, closed?.drop_reason, closed?.drop_at].join(' ');
        const should = ['timeout', ...drop].join(' ');
        return is === should ? [] : [`${name}: ${is}, not ${should}`];
      },
    );
  } finally {
    await place.remove();
  }
}
console.log(JSON.stringify(wrong));
