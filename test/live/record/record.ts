/**
 * Records the sample that the package ships, from real traffic of real programs:
 *     node --import tsx test/live/record/record.ts     (as root, about a minute)
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Collector } from '../collect.js';
import type { Net } from '../net.js';
import { network } from './network.js';
import { type Program, programs } from './programs.js';

/** Starts the programs of a small machine repeatedly for this many seconds, or until `over` returns true. */
export async function work(host: Net, resolv: string, seconds: number, over = () => false): Promise<void> {
  const resolving = ['unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /etc/resolv.conf && exec "$@"', resolv];
  const end = Date.now() + seconds * 1000;
  const start = async ({ command, uid, every, from = 0 }: Program) => {
    await sleep(from * 1000, undefined, { ref: false });
    const as = ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
    for (;;) {
      if (over()) return;
      host.spawn([...resolving, ...as, ...command], 'ignore');
      const pause = (every ?? Number.POSITIVE_INFINITY) * 1000;
      if (!(Date.now() + pause < end)) return;
      await sleep(pause, undefined, { ref: false });
    }
  };
  await Promise.all(programs().map(start));
}

/** Runs a small machine for this many seconds, or until there is `enough`. Resolves to the path of the collector's output. */
export async function record(seconds: number, enough: (lines: string[]) => boolean = () => false): Promise<string> {
  const { host, world, resolv } = await network();
  const collector = new Collector(['--dns', '--status', '--netns', host.inode]);
  await collector.ready();
  const end = Date.now() + seconds * 1000;
  let over = false;
  const worked = work(host, resolv, seconds, () => over);
  while (!enough(collector.lines()) && Date.now() < end) await sleep(100);
  over = true;
  void worked; // it stops when its next program is due
  await collector.stop();
  await host.remove();
  await world.remove();
  return collector.path;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const sample = fileURLToPath(new URL('../../../collector/replay/sample.ndjson', import.meta.url));
  const lines = readFileSync(await record(75), 'utf8').split('\n');
  writeFileSync(sample, lines.filter((line) => !line.startsWith('{"type":"status"')).join('\n')); // status is about this machine
  process.exit();
}
