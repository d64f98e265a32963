import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Case, expected, inputOf, readCases, run, update } from './support/cases.js';
import type { Result } from './support/shell.js';

const { ONLY = '' } = process.env; // ONLY=filter/comm: the cases whose names begin so
const cases = (await readCases()).filter(({ name }) => name.startsWith(ONLY));

test('golden cases', { concurrency: 3 }, async (t) => {
  await Promise.all(cases.map((one) => t.test(one.name, () => holds(one))));
});

async function holds(one: Case): Promise<void> {
  const input = await inputOf(one);
  const whole = await run(one, input);
  if (process.env.UPDATE === '1') await update(one, whole);
  const wanted = process.env.UPDATE === '1' ? whole : await expected(one);
  compare(one, 'input whole', whole, wanted);
  if (wanted.code === 2 || one.files.includes('whole')) return; // a usage error reads no input; `whole` says why
  const most = input.length <= 2048 ? 1 : Math.ceil(input.length / 400);
  compare(one, `input in pieces of at most ${most} bytes`, await run(one, input, most), wanted);
}

function compare(one: Case, how: string, { check, ...got }: Result & { check?: Result }, wanted: Result): void {
  const { stdout, stderr, code } = got;
  const told = `${one.name}, ${how}
cmd: ${one.cmd}
--- stdout
${excerpt(stdout)}--- stderr
${excerpt(stderr)}--- code ${code}
`;
  const { stdout: wantedOut, stderr: wantedErr, code: wantedCode } = wanted;
  if (check) assert.equal(check.code, 0, `${told}--- check ended with ${check.code}\n${check.stdout}${check.stderr}`);
  if (stdout === wantedOut && stderr === wantedErr && code === wantedCode) return;
  throw new assert.AssertionError({
    message: `${told}--- wanted stdout\n${excerpt(wantedOut)}--- wanted stderr\n${excerpt(wantedErr)}--- wanted code ${wantedCode}`,
    actual: got,
    expected: { stdout: wantedOut, stderr: wantedErr, code: wantedCode },
  });
}

function excerpt(text: string): string {
  return text.length > 10_000 ? `${text.slice(0, 10_000)}… (${text.length} characters)\n` : text;
}
