import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Lock } from '../../../sinks/spool/lock.js';
import { folder } from '../../support/process.js';

/** What was there before, in each of some folders. */
const before = [undefined, '', '1 1', `${process.pid} 1`];

test('of several that take a lock at once one has it, whatever one that was killed has left', async (t) => {
  const dir = folder(t);
  await Promise.all(
    Array.from({ length: 12 }, async (_, n) => {
      const own = join(dir, String(n));
      mkdirSync(own);
      const left = before[n % before.length];
      if (left !== undefined) writeFileSync(join(own, 'lock'), left);
      const locks = Array.from({ length: 4 }, () => new Lock(join(own, 'lock')));
      const taken = await Promise.allSettled(locks.map((lock) => lock.take()));
      const what = `${JSON.stringify(left)}: ${taken.map(({ status }) => status)}`;
      assert.equal(taken.filter(({ status }) => status === 'fulfilled').length, 1, what);
      for (const one of taken)
        if (one.status === 'rejected') assert.match(one.reason.message, /^the spool is in use by process \d+ /);
      for (const lock of locks) await lock.release();
      assert.deepEqual(readdirSync(own), []);
    }),
  );
});
