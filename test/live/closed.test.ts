import assert from 'node:assert/strict';
import { destroyed, destroys, endings } from './endings.js';
import { cannot, live } from './live.js';
import { ends } from './lives.js';

for (const ending of endings)
  live(ending.name, async (net, t) => {
    const event = await ends(net, ending);
    if (typeof event === 'string') return cannot(t, event);
    if (ending.name.includes('sent again')) assert.ok((event.segs_retransmitted ?? 0) > 0);
  });

live(destroyed.name, async (net, t) => {
  if (!destroys(net)) return cannot(t, 'the kernel may lack INET_DIAG_DESTROY');
  await ends(net, destroyed);
});

for (const [before, steps, how] of [
  ['c>100 s>50 wait', 'c>11 cX sX', 'local'],
  ['c>100 s>50 wait', 'c>11 sX cX', 'remote'],
  ['c>100 cH wait', 's>50 sX cX', 'local'],
  ['s>50 sH wait', 'c>111 cX sX', 'remote'],
  ['c>100 s>50 wait', 'sR cX', 'reset_received ECONNRESET'],
] as const)
  for (const address of ['127.0.0.1', '::1']) {
    const name = `opened before the start: ${before}, ${steps}, ${address}`;
    live(name, async (net) => {
      await ends(net, { name, address, before, steps, how });
    });
  }
