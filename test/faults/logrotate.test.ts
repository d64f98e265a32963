import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertAll, format, seqsIn, seqsOf } from '../support/lines.js';
import { folder, size, start, until } from '../support/process.js';
import { shell } from '../support/shell.js';

test('logrotate moves the file away five times under load: no line is missing or torn', async (t) => {
  const dir = folder(t);
  const out = join(dir, 'out.ndjson');
  const rules = `${out} { rotate 20\nnocreate\ncompress\ndelaycompress\nmissingok\npostrotate\nkill -HUP $(cat ${dir}/pid)\nendscript\n}\n`;
  writeFileSync(join(dir, 'rules'), rules, { mode: 0o644 });
  const slowly = `i=0; until [ -e ${dir}/stop ]; do seq -f '${format}' $((i * 100 + 1)) $((i * 100 + 100)); i=$((i + 1)); sleep 0.002; done`;
  const line = `{ ${slowly}; } | { echo $BASHPID > pid; exec sink-file out.ndjson; }`;
  const { ended } = start(t, ['bash', '-c', line], dir);
  for (let round = 1; round <= 5; round++) {
    await until(`lines in round ${round}`, () => size(out) > 20_000);
    execFileSync('/usr/sbin/logrotate', ['--force', '--state', join(dir, 'state'), join(dir, 'rules')]);
  }
  await until('lines in the last file', () => size(out) > 20_000);
  writeFileSync(join(dir, 'stop'), '');
  assert.deepEqual(await ended, { code: 0, signal: null, stderr: '' });
  assert.equal(readdirSync(dir).filter((name) => /^out\.ndjson\.\d/.test(name)).length, 5);
  const { stdout } = await shell('for i in 5 4 3 2 1; do zcat -f out.ndjson.$i*; done', dir);
  const seqs = [...seqsOf(stdout), ...seqsIn(out)];
  assertAll(seqs, seqs.at(-1) as number);
  assert.ok(seqs.length % 100 === 0 && seqs.length > 0);
});
