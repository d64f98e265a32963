import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { type Case, expected, readCases } from './support/cases.js';
import { root, shell } from './support/shell.js';

const cases = await readCases();
const commands = readdirSync(`${root}dist/bin`).filter((name) => name !== 'package.json');

/** Whether some golden case shows what is documented. */
const shows = (command: string, holds: (one: Case) => boolean) =>
  cases.some((one) => one.name.startsWith(`${command}/`) && holds(one));

for (const command of commands) {
  test(`${command}: every option of its --help is used in some case`, async () => {
    const { stdout } = await shell(`${command} --help`, root);
    const options = /^Options:\n((?:.+\n)*)/m.exec(stdout)?.[1] ?? '';
    const rows = [...options.matchAll(/^ {2}(?:-(\w), | {4})--([\w-]+)/gm)];
    assert.ok(rows.length >= 2, options);
    for (const [, short, name] of rows) {
      const used = new RegExp(`(^|\\s)--${name}(?![\\w-])${short ? `|(^|\\s)-\\w*${short}` : ''}`);
      assert.ok(
        shows(command, ({ cmd }) => used.test(cmd)),
        `--${name}`,
      );
    }
  });

  test(`${command}: every exit code of its --help occurs in some case`, async () => {
    const { stdout } = await shell(`${command} --help`, root);
    const codes = [...(/^Exit codes: (.*)$/m.exec(stdout)?.[1]?.matchAll(/(?:^|, )(\d+) /g) ?? [])].map(
      ([, code]) => code,
    );
    assert.deepEqual(codes, ['0', '1', '2']);
    for (const code of codes) {
      if (code === '1' && ['collector', 'doctor', 'synpipe'].includes(command)) continue; // needs a kernel that refuses
      assert.ok(
        shows(command, (one) => expected(one).code === Number(code)),
        `exit code ${code}`,
      );
    }
  });
}

test('every folder of cases belongs to a command, or to pipelines', () => {
  for (const { name } of cases) assert.ok([...commands, 'pipeline'].includes(name.split('/')[0] as string), name);
});
