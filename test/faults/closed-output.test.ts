import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { numbered } from '../support/lines.js';
import { folder } from '../support/process.js';
import { env, shell } from '../support/shell.js';

const closed = (name: string) => `${name}: cannot write standard output: EBADF; redirect it instead of closing it\n`;

test('a closed standard output gives exit code 1 and the reason', async (t) => {
  const dir = folder(t);
  for (const [line, name] of Object.entries({
    'filter >&-': 'filter',
    'env A=1 filter --dport 1 >&-': 'filter',
    'validate | filter >&-': 'filter',
    'sink-table >&-': 'sink-table',
    'sink-file --status out >&-': 'sink-file',
    'collector --duration 10ms >&-': 'collector',
    'replay /dev/null >&-': 'replay',
    'filter --help >&-': 'filter',
    "synpipe run 'validate | filter' >&-": 'synpipe run',
    'synpipe filter >&-': 'filter',
  })) {
    const { stderr, code } = await shell(`${line}; exit $?`, dir, numbered(1, 5));
    assert.deepEqual({ stderr, code }, { stderr: closed(name), code: 1 }, line);
  }
  for (const sh of ['dash', 'sh']) {
    const { stderr, code } = await shell(`${sh} -c 'filter >&-; exit $?'; exit $?`, dir, numbered(1, 5));
    assert.deepEqual({ stderr, code }, { stderr: closed('filter'), code: 1 }, sh);
  }
});

test('a sink that does not write to standard output works without it', async (t) => {
  const { stderr, code } = await shell('sink-file out >&-; exit $?', folder(t), numbered(1, 5));
  assert.deepEqual({ stderr, code }, { stderr: '', code: 0 });
});

test('standard output that is discarded on purpose is not a failure', async (t) => {
  const dir = folder(t);
  assert.equal((await shell('filter > /dev/null; exit $?', dir, numbered(1, 5))).code, 0);
  for (const argv of [['filter'], ['bash', '-c', 'filter; exit $?'], ['bash', '-c', 'filter']]) {
    for (const stderr of ['ignore', 'pipe'] as const) {
      const child = spawn(argv[0] as string, argv.slice(1), { cwd: dir, env, stdio: ['pipe', 'ignore', stderr] });
      child.stdin?.end(numbered(1, 5));
      assert.deepEqual(await once(child, 'close'), [0, null], argv.join(' '));
    }
  }
  const python = `import subprocess, sys; sys.exit(subprocess.run(['filter'], input=b'', stdout=subprocess.DEVNULL).returncode)`;
  assert.deepEqual(await promisify(execFile)('python3', ['-c', python], { cwd: dir, env }), { stdout: '', stderr: '' });
});
