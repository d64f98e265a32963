/*
 * Runs in a guest: connects at full speed while the readers of its two better tiers are stopped, in the modes that
 * stuck.ts leaves out. Prints the ledger by mode and tier, as one JSON object.
 */
import { type Ledger, ledger } from '../live/attempt-events.js';
import { stuck } from '../live/stuck.js';
import { closed } from './cases/case.js';
import { Place } from './place.js';

const attempts = Number(process.argv[2]);
const net = new Place();
try {
  const ledgers: Record<string, Ledger> = {};
  for (const report of ['attempt', 'both'] as const) {
    const all = [];
    for (const tier of ['fentry', 'kprobe'])
      all.push({ tier, ...(await stuck('--tier', tier, '--netns', net.inode, '--report', report)) });
    await net.start(['quiet', attempts, '127.0.0.1', closed]).finish();
    for (const { tier, collector, reader, lines, read } of all) {
      reader.kill('SIGCONT');
      await collector.stop();
      await read;
      ledgers[`${report}, ${tier}`] = ledger(lines(), report);
    }
  }
  console.log(JSON.stringify(ledgers));
} finally {
  await net.remove();
}
