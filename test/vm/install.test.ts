import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pack } from '../package/pack.js';
import { Root } from '../package/root.js';
import { kernels } from './matrix.js';

// as on this machine: only Node; npm takes half a minute there, the collector a few seconds
const script = `set -e
npm install -g synpipe.tgz >&2
doctor >&2
collector -P 9 --report outcome -- bash -c '(exec 3<>/dev/tcp/127.0.0.1/9) 2>/dev/null; :' | filter --failed | enrich | sink-file out.ndjson
cat out.ndjson`;

test('the package can be installed and used on other kernels', { timeout: 1_200_000 }, async (t) => {
  const root = new Root();
  copyFileSync(pack().tarball, join(root.folder, 'root/synpipe.tgz'));
  for (const kernel of kernels)
    await t.test(kernel, () => {
      const { stdout, stderr, status } = root.runOn(kernel, script);
      assert.equal(status, 0, stdout + stderr);
      assert.match(stderr, /^ *works +fentry\b/m);
      const { dport, result, user } = JSON.parse(stdout);
      assert.deepEqual({ dport, result, user }, { dport: 9, result: 'refused', user: 'root' });
    });
});
