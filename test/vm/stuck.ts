/*
 * Runs in a guest: 200,000 connects as fast as it can make them, while the readers of its two better tiers are stopped.
 * Prints by tier, as one JSON object, what came out in the end.
 */
import { connects, lostIn, statuses } from '../live/collect.js';
import { stuck } from '../live/stuck.js';
import { closed } from './cases/case.js';
import { Place } from './place.js';

export interface Told {
  events: number;
  /** Events whose number is not the next one. */
  gaps: number;
  lost: number;
  /** As the end status has it. */
  status: { in?: number; out?: number; lost?: number };
}

const attempts = Number(process.argv[2]);
const tiers = ['fentry', 'kprobe'];
const net = new Place();
try {
  const all = await Promise.all(tiers.map((tier) => stuck('--tier', tier, '--netns', net.inode)));
  await net.start(['quiet', attempts, '127.0.0.1', closed]).finish();
  for (const { reader } of all) reader.kill('SIGCONT');
  const told: Record<string, Told> = {};
  for (const [i, { collector, lines, read }] of all.entries()) {
    await collector.stop();
    await read;
    const events = connects(lines());
    const { in: came, out, lost } = statuses(lines()).at(-1) ?? {};
    told[tiers[i] as string] = {
      events: events.length,
      gaps: events.filter(({ seq }, at) => seq !== at + 1).length,
      lost: lostIn(lines()),
      status: {
        ...(came !== undefined && { in: came }),
        ...(out !== undefined && { out }),
        ...(lost !== undefined && { lost }),
      },
    };
  }
  console.log(JSON.stringify(told));
} finally {
  await net.remove();
}
