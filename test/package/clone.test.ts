/**
 * The README's commands for a clone, in a Debian that has only Node. They install everything they need, so this
 * runs only with SYNPIPE_DOWNLOAD=1, as in .ci/run. Prints how long each takes.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, test } from 'node:test';
import { root as project } from '../support/shell.js';
import { pack } from './pack.js';
import { Root } from './root.js';

const skip = process.env.SYNPIPE_DOWNLOAD === '1' ? false : 'SYNPIPE_DOWNLOAD is not 1';

let root: Root;
const works = (line: string): string => {
  const begin = performance.now();
  const { stdout, stderr, status } = root.run(line, { online: true, seconds: 800 });
  console.log(`${Math.round((performance.now() - begin) / 1000)} s: ${line}`);
  assert.equal(status, 0, `${line}\n${stdout}${stderr}`);
  return stdout;
};

before(() => {
  if (skip) return;
  root = new Root();
  root.online();
  // as Node's own packages have them
  const headers = join(dirname(dirname(process.execPath)), 'include/node');
  cpSync(headers, join(root.folder, 'usr/include/node'), { recursive: true });
  execFileSync('git', ['clone', '-q', project, join(root.folder, 'root/synpipe')]);
});

test('npm start runs a collector', { skip, timeout: 900_000 }, () => {
  const start = 'cd synpipe && npm start -- -n 1 -P 9 >../out.ndjson & pid=$!';
  works(
    `${start}; while kill -0 $pid 2>/dev/null; do (exec 3<>/dev/tcp/127.0.0.1/9) 2>/dev/null; sleep 1; done; wait $pid`,
  );
  assert.equal(JSON.parse(works('cat out.ndjson')).dport, 9);
});

test('npm test: everything that the tests use is installed, and the named tests run', {
  skip,
  timeout: 900_000,
}, () => {
  // no tests on real events: these report other process IDs than the separate root shows
  const some = ['layout', 'readme', 'collector/explain', 'transforms/filter'];
  const said = works(`cd synpipe && npm test -- ${some.map((name) => `test/${name}.test.ts`).join(' ')}`);
  assert.match(said, /^ℹ fail 0$/m);
  assert.match(said, /^ℹ skipped 0$/m);
});

test('npm install -g . of a built clone', { skip, timeout: 300_000 }, () => {
  works('cd synpipe && npm install -g .');
  assert.match(works('filter --help'), /^Usage: filter/m);
  works('npm uninstall -g synpipe');
});

test('the installed package builds its native part if the shipped one does not work', {
  skip,
  timeout: 300_000,
}, () => {
  cpSync(pack().tarball, join(root.folder, 'root/synpipe.tgz'));
  works('npm install -g synpipe.tgz');
  const native = join(root.folder, `usr/lib/node_modules/synpipe/dist/native/linux-${process.arch}`);
  writeFileSync(join(native, 'collector.node'), 'no library');
  const { stdout, stderr } = root.run('doctor --build', { seconds: 280 }); // has no network
  assert.deepEqual({ stdout, stderr }, { stdout: 'built the native part\n', stderr: '' });
  assert.match(works('doctor'), /^ *works +(fentry|kprobe|tracepoint)\b/m);
});
