/*
 * Runs in a guest with a preemptible kernel: connects from more processes than there are CPUs, half of them to a closed port,
 * while the collector's default tier and each other tier watch. Prints an object of Seen by tier, as one JSON object; the
 * default is named `best`.
 */

import { tiers } from '../../dist/collector/addon.js';
import { Collector, lostIn, outcomes, statuses } from '../live/collect.js';
import { closed, open } from './cases/case.js';
import { Place } from './place.js';

export interface Seen {
  tier: string;
  reasons?: string[];
  outcomes: number;
  /** Outcomes with a source port. */
  complete: number;
  lost: number;
  places: string[];
}

const attempts = Number(process.argv[2]);
const processes = 6;
const net = new Place();
try {
  await net.serve(open);
  const all: Record<string, Seen> = {};
  for (const tier of ['best', ...tiers]) {
    const choice = tier === 'best' ? [] : ['--tier', tier];
    const collector = await Collector.start([...choice, '--netns', net.inode]);
    const clients = Array.from({ length: processes }, (_, i) =>
      net.start(['quiet', attempts / processes, '127.0.0.1', i % 2 ? open : closed]),
    );
    for (const { finish } of clients) await finish();
    const { lines } = await collector.stop();
    const [start] = statuses(lines);
    const lost = lines.filter((line) => line.startsWith('{"type":"lost"')).map((line) => JSON.parse(line).where);
    all[tier] = {
      tier: start?.tier as string,
      ...(start?.reasons && { reasons: start.reasons as string[] }),
      outcomes: outcomes(lines).length,
      complete: outcomes(lines).filter(({ sport }) => sport).length,
      lost: lostIn(lines),
      places: [...new Set<string>(lost)].sort(),
    };
  }
  console.log(JSON.stringify(all));
} finally {
  await net.remove();
}
