/** Golden cases again, with every stage reading its input in small pieces: the result must be the same. */
import { test } from 'node:test';
import { expected, inputOf, readCases, run } from './support/cases.js';
import { compare } from './support/compare.js';
import { envInPieces } from './support/shell.js';

// A command that refuses its arguments reads no input; the file `whole` says why a case is not fed in pieces.
const cases = (await readCases(process.env.ONLY)).filter((one) => expected(one).code !== 2 && !one.files.has('whole'));

test('golden cases in pieces', { concurrency: 3 }, async (t) => {
  await Promise.all(
    cases.map((one) =>
      t.test(one.name, async () => {
        const input = await inputOf(one);
        const most = input.length <= 2048 ? 1 : Math.ceil(input.length / 400);
        compare(
          one,
          `input in pieces of at most ${most} bytes`,
          await run(one, input, envInPieces(most)),
          expected(one),
        );
      }),
    ),
  );
});
