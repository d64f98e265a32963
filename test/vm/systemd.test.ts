import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { root } from '../support/shell.js';
import { kernels } from './matrix.js';

const here = fileURLToPath(new URL('.', import.meta.url));

// on one kernel only: this tests systemd
const kernel = kernels.at(-1) as string;
test(`the units under systemd, ${kernel}: rights, rotation, the end, a usage error`, { timeout: 900_000 }, async () => {
  const command = [`${here}run`, '--kernel', kernel, '--', 'bash', `${here}systemd.sh`];
  const { stdout } = await promisify(execFile)('bash', command, { cwd: root, maxBuffer: 1 << 24 });
  const facts = Object.fromEntries(
    [...stdout.matchAll(/^FACT (\S+) (.*?) *$/gm)].map(([, name, value]) => [name, value]),
  );
  const { command: line, stages, collector, ...others } = facts;
  assert.match(line ?? stdout, /synpipe run --metrics 9465 sink-file /);
  for (const one of [stages, collector])
    assert.match(one ?? stdout, /^Uid=6\d{4} CapEff=0{16} CapPrm=0{16} CapAmb=0{16} NoNewPrivs=1 Seccomp=2$/);
  assert.deepEqual(others, {
    writable: '/var/log/synpipe/connects /var/lib/synpipe/connects /tmp',
    metrics: '"collector" "sink-file"',
    rotated: 'connects.ndjson, connects.ndjson.1',
    'same-process': 'yes',
    stopped: 'success 0',
    attempts: 'all',
    seqs: '0 gaps',
    worker: 'success 0',
    wrong: 'exit-code 2 0',
    journal: 'filter: unknown option --dprt; did you mean --dport?',
  });
});
