/** The example project: installed from the package's tarball, type-checked and run on a recording and on live events. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fresh } from '../live/folder.js';
import { cannot, refusal } from '../live/live.js';
import { root } from '../support/shell.js';

let project: string;
const tsc = (...args: string[]) =>
  spawnSync(`${root}node_modules/.bin/tsc`, ['-p', '.', ...args], { cwd: project, encoding: 'utf8' });
const run = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['index.js', ...args], {
    cwd: project,
    encoding: 'utf8',
  });
  return { status, stderr, lines: stdout.trimEnd().split('\n') };
};

before(() => {
  project = fresh('example');
  cpSync(`${root}test/library/example`, project, { recursive: true });
  const script = `mkdir -p node_modules/synpipe node_modules/@types && (cd "$2" && npm pack --ignore-scripts --silent --pack-destination "$1") &&
tar -xzf synpipe-*.tgz -C node_modules/synpipe --strip-components=1 &&
cp -r "$2/node_modules/@types/node" node_modules/@types && cp -r "$2/node_modules/undici-types" node_modules`;
  execFileSync('bash', ['-c', script, 'bash', project, root], { cwd: project, stdio: 'pipe' });
  const { status, stdout } = tsc();
  assert.equal(status, 0, stdout);
});

test('it compiles, with all library types checked, and finds the failures in a recording', () => {
  const { status, stderr, lines } = run(join(project, 'node_modules/synpipe/dist/collector/replay/sample.ndjson'));
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
  const { stages, counts } = JSON.parse(lines[0] as string) as { stages: number; counts: Record<string, number> };
  assert.equal(stages, 3);
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const { refused } = JSON.parse(lines[1] as string) as { refused: number };
  assert.ok(refused > 0 && refused < total, lines.join('\n'));
  assert.equal(lines[2], 'UsageError: invalid type "ftp": use connect, outcome, pending, closed, open or dns');
});

test('it runs on live events', (t) => {
  const refused = refusal();
  if (refused !== undefined) return cannot(t, refused);
  const { status, stderr, lines } = run();
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
  assert.equal(JSON.parse(lines[0] as string).stages, 3);
});
