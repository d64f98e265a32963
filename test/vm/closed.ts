/*
 * Runs in a guest: connections that end in each way, while all tiers watch; then many at once while the readers are stopped.
 * Prints what is wrong, by tier, as one JSON object.
 */
import { tiers } from '../../dist/collector/addon.js';
import { Collector, counted, lostUpdates, outcomes } from '../live/collect.js';
import { destroyed, destroys, endings } from '../live/endings.js';
import { closedIn, type Ending, port, start, wrongIn } from '../live/lives.js';
import { stuck } from '../live/stuck.js';
import { until } from '../live/wait.js';
import { Place } from './place.js';

const made = Number(process.argv[2]);
const net = new Place();
const wrong: Record<string, string[]> = Object.fromEntries(tiers.map((tier) => [tier, []]));
const report = ['--report', 'both,closed', '--netns', net.inode];

/** Tries an ending, and judges each tier's event about it. Returns whether the client can do it. */
async function judge(ending: Ending, collectors: Map<string, Collector>): Promise<boolean> {
  const client = start(net, ending);
  await ending.meanwhile?.(client, net, [...collectors.values()][0] as Collector);
  const said = ending.killed ? { attempts: [], later: [] } : await client.finish();
  if (said.unavailable) return false;
  for (const [tier, collector] of collectors) {
    const own = () => closedIn(collector.lines()).filter(({ pid }) => pid === client.child.pid);
    await until(`${ending.name}, ${tier}`, () => own().length > 0);
    for (const event of own()) {
      const what = wrongIn(event, ending, said);
      if (what) wrong[tier]?.push(`${ending.name}: ${what}`);
    }
    if (own().length !== 1) wrong[tier]?.push(`${ending.name}: ${own().length} events`);
  }
  return true;
}

try {
  const collectors = new Map<string, Collector>();
  for (const tier of tiers) collectors.set(tier, await Collector.start([...report, '--tier', tier].map(String)));
  let count = 0;
  for (const ending of [...endings, ...(destroys(net) ? [destroyed] : [])])
    count += Number(await judge(ending, collectors));
  for (const [tier, collector] of collectors) {
    const { lines } = await collector.stop();
    const { open, lost, lost_updates } = counted(lines);
    const is = { ends: closedIn(lines).length, outcomes: outcomes(lines).length, open, lost, lost_updates };
    const should = { ends: count, outcomes: count, open: 0, lost: 0, lost_updates: 0 };
    if (JSON.stringify(is) !== JSON.stringify(should)) wrong[tier]?.push(`${JSON.stringify(is)}, ${count} connections`);
  }
  await net.serve(port);
  for (const tier of tiers) {
    const { collector, reader, lines, read } = await stuck(...report, '--tier', tier);
    await net.start(['quiet', made, '127.0.0.1', port]).finish();
    reader.kill('SIGCONT');
    await collector.stop();
    await read;
    const { out, lost, open } = counted(lines());
    const connects = lines().filter((line) => line.startsWith('{"type":"connect"')).length;
    const ends = closedIn(lines()).length;
    // each connection has three records
    if (out + lost !== made || connects + out + ends + open + lost + lostUpdates(lines()) !== 3 * made)
      wrong[tier]?.push(
        `${out} outcomes, ${lost} lost; ${connects}, ${ends} ends, ${open} open, ${lostUpdates(lines())} lost`,
      );
    if (lost === 0) wrong[tier]?.push('the reader was too fast for this test');
  }
  console.log(JSON.stringify(wrong));
} finally {
  for (const { child } of Collector.running) child.kill('SIGKILL');
  await net.remove();
}
