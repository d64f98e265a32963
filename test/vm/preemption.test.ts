import assert from 'node:assert/strict';
import { test } from 'node:test';
import { examine, kernels } from './matrix.js';
import type { Seen } from './preemption.js';

const attempts = 30_000;

// on one of the usual kernels, which do not differ in this, and on those that preempt by default; Debian's for arm64 cannot
const able = kernels.filter((kernel) => !kernel.endsWith('-arm64'));
const others = able.filter((kernel) => kernel === 'sid' || kernel.endsWith('-rt'));
for (const kernel of new Set([...able.slice(-1), ...others]))
  test(`on a preemptible kernel, each attempt is reported or counted as lost, ${kernel}`, {
    timeout: 1_200_000,
  }, async () => {
    const boot = { kernel, append: 'preempt=full' };
    const all = await examine<Record<string, Seen>>(boot, 'preemption.ts', String(attempts));
    console.log(JSON.stringify(all));
    const { best, fentry, kprobe, tracepoint } = all as Record<'best' | 'fentry' | 'kprobe' | 'tracepoint', Seen>;
    assert.equal(best.tier, 'kprobe');
    assert.match(best.reasons?.join() ?? '', /^fentry: this kernel preempts/);
    // since Linux 7 the programs of tracepoints can be preempted too
    const [exact, inexact] = kernel === 'sid' ? [[], [fentry, tracepoint]] : [[tracepoint], [fentry]];
    for (const { tier, outcomes, complete, lost } of [best, kprobe, ...exact]) {
      assert.deepEqual({ outcomes, lost }, { outcomes: attempts, lost: 0 }, tier);
      // an attempt whose end only a look at the table finds may lack its port
      assert.ok(complete >= attempts * 0.999, `${tier}: ${complete} with a source port`);
    }
    for (const seen of inexact) {
      const counted = seen.outcomes + seen.lost;
      assert.ok(counted >= attempts, JSON.stringify(seen)); // how many it misses depends on the machine
      assert.ok(counted <= attempts * 1.001, `counted twice: ${JSON.stringify(seen)}`);
      for (const place of seen.places) assert.match(place, /^(attempt table|busy program)$/);
    }
  });
