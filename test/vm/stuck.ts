/*
 * Runs in a guest: 200,000 connects at full speed while the readers of its two better tiers are stopped.
 * Prints the results by tier, as one JSON object.
 */
import { counted, isAttempt, lostIn, outcomes } from '../live/collect.js';
import { stuck } from '../live/stuck.js';
import { closed } from './cases/case.js';
import { Place } from './place.js';

export interface Written {
  outcomes: number;
  /** How many lines do not have the next number. */
  gaps: number;
  lost: number;
  /** The counts of the end status. */
  status: ReturnType<typeof counted>;
}

const attempts = Number(process.argv[2]);
const tiers = ['fentry', 'kprobe'];
const net = new Place();
try {
  const all = await Promise.all(tiers.map((tier) => stuck('--tier', tier, '--netns', net.inode)));
  await net.start(['quiet', attempts, '127.0.0.1', closed]).finish();
  for (const { reader } of all) reader.kill('SIGCONT');
  const written: Record<string, Written> = {};
  for (const [i, { collector, lines, read }] of all.entries()) {
    await collector.stop();
    await read;
    const seqs = lines()
      .filter(isAttempt)
      .map((line) => JSON.parse(line).seq);
    written[tiers[i] as string] = {
      outcomes: outcomes(lines()).length,
      gaps: seqs.filter((seq, at) => seq !== at + 1).length,
      lost: lostIn(lines()),
      status: counted(lines()),
    };
  }
  console.log(JSON.stringify(written));
} finally {
  await net.remove();
}
