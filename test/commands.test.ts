/** A new stage is one new file. What its command needs outside of it is listed in one message. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readCases } from './support/cases.js';
import { root } from './support/shell.js';

const read = (file: string) => readFileSync(`${root}${file}`, 'utf8');

test('every command is in the package, in the README and in the golden cases', async () => {
  const { bin, man } = JSON.parse(read('package.json')) as { bin: Record<string, string>; man: string[] };
  const [commandTable = ''] = read('README.md').match(/^\| `collector` [\s\S]*?\n\n/m) ?? [];
  const cases = await readCases();
  const commands = readdirSync(`${root}dist/bin`).filter((name) => name !== 'package.json');
  assert.ok(commands.length > 10);
  const missing = commands.flatMap((name) => [
    ...(bin[name] === `dist/bin/${name}` ? [] : [`package.json: "bin" needs "${name}": "dist/bin/${name}"`]),
    ...(man.includes(`dist/man/${name}.1`) ? [] : [`package.json: "man" needs "dist/man/${name}.1"`]),
    ...(new RegExp(`^\\|.*\`${name}[ \`]`, 'm').test(commandTable) ? [] : [`README.md: the table needs \`${name}\``]),
    ...(cases.some((one) => one.name.startsWith(`${name}/`)) ? [] : [`test/cases/${name}/: needs a golden case`]),
  ]);
  assert.deepEqual(missing, []);
  for (const name of Object.keys(bin)) assert.ok(commands.includes(name), `package.json: no command is called ${name}`);
});
