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

/** Starts the programs of a small machine, again and again for so long (s). */
export async function work(host: Net, resolv: string, seconds: number): Promise<void> {
  const resolving = ['unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /etc/resolv.conf && exec "$@"', resolv];
  const end = Date.now() + seconds * 1000;
  const start = async ({ command, uid, every, from = 0 }: Program) => {
    await sleep(from * 1000, undefined, { ref: false });
    const as = ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
    for (;;) {
      host.spawn([...resolving, ...as, ...command], 'ignore');
      const pause = (every ?? Number.POSITIVE_INFINITY) * 1000;
      if (!(Date.now() + pause < end)) return;
      await sleep(pause, undefined, { ref: false });
    }
  };
  await Promise.all(programs().map(start));
}

/** Lets a small machine work for so long. Resolves to the file with what the collector told of it. */
export async function record(seconds: number): Promise<string> {
  const { host, world, resolv } = await network();
  const collector = new Collector(['--report', 'both', '--dns', '--status', '--netns', host.inode]);
  await collector.ready();
  const end = Date.now() + seconds * 1000;
  await work(host, resolv, seconds);
  await sleep(Math.max(0, end - Date.now()));
  await collector.stop();
  await host.remove();
  await world.remove();
  return collector.path;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const sample = fileURLToPath(new URL('../../../collector/replay/sample.ndjson', import.meta.url));
  const lines = readFileSync(await record(75), 'utf8').split('\n');
  writeFileSync(sample, lines.filter((line) => !line.startsWith('{"type":"status"')).join('\n')); // of another machine
  process.exit();
}
