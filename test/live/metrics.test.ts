import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { live } from './live.js';
import { stuck } from './stuck.js';

const uid = 1_100_000 + process.pid;

live(
  'metrics of a collector that is not read show a full ring buffer; once it is read, no attempt is missing',
  async (net) => {
    const { collector, reader, read } = await stuck('-u', uid, '--metrics', '0');
    const url = /metrics at (\S+)/.exec(collector.said())?.[1] as string;
    const scrape = async (name: string) => {
      const text = await (await fetch(url)).text();
      return Number(new RegExp(`^synpipe_${name}\\{command="collector",stage="1"\\} (\\d+)$`, 'm').exec(text)?.[1]);
    };
    assert.equal(await scrape('queue_bytes'), 0);
    await net.client(['quiet', 40_000, '127.0.0.1', 9], uid);
    const queued = await scrape('queue_bytes');
    assert.ok(queued > 4_000_000 && queued <= 1 << 22, String(queued)); // all of the 4 MiB
    reader.kill('SIGCONT');
    while ((await scrape('events_in_total')) < 40_000) await sleep(20);
    const [out, lost, left] = await Promise.all(['events_out_total', 'events_lost_total', 'queue_bytes'].map(scrape));
    assert.deepEqual([(out as number) + (lost as number), left], [40_000, 0]);
    assert.ok((lost as number) > 0);
    assert.equal((await collector.stop()).code, 0);
    await read;
  },
);
