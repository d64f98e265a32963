/** Golden cases with their input whole; cases-in-pieces.test.ts has the rest. UPDATE=1 and ONLY: see cases/README.md. */
import { test } from 'node:test';
import { expected, inputOf, readCases, run, update } from './support/cases.js';
import { compare } from './support/compare.js';

const cases = await readCases(process.env.ONLY);

test('golden cases', { concurrency: 3 }, async (t) => {
  await Promise.all(
    cases.map((one) =>
      t.test(one.name, async () => {
        const got = await run(one, await inputOf(one));
        if (process.env.UPDATE === '1') update(one, got);
        compare(one, 'input whole', got, expected(one));
      }),
    ),
  );
});
