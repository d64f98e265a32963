import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { corpus } from '../../../fuzz/corpus.js';
import { mutant, Random } from '../../../fuzz/mutate.js';
import { oddities } from '../../../support/oddities.js';
import { root } from '../../../support/shell.js';
import { alone } from '../../../support/thread.js';

const random = new Random(7);
const valid = corpus(7);
const known = [...valid.map((line) => Buffer.from(line, 'latin1')), ...Object.values(oddities).map(([line]) => line)];
const lines = Array.from({ length: 8000 }, (_, i) =>
  i % 5 === 0 ? Buffer.from(mutant(valid, random), 'latin1') : (known[random.below(known.length)] as Buffer),
);
const input = Buffer.concat(lines.filter((line) => !line.includes(10)).flatMap((line) => [line, Buffer.from('\n')]));

for (const sanitizer of ['thread', 'address,undefined']) {
  test(`two threads find the same lines as one, under -fsanitize=${sanitizer}`, { skip: alone }, (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'threads-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const program = join(folder, 'threads');
    const sources = ['test/schemas/pipe/native/threads.c', 'schemas/pipe/native/ahead.c', 'schemas/generated/scan.c'];
    const flags = ['-g', '-O1', `-fsanitize=${sanitizer}`, '-fno-sanitize-recover=all', '-pthread'];
    const built = spawnSync('clang', [...flags, ...sources, '-luv', '-o', program], { cwd: root, encoding: 'utf8' });
    assert.equal(built.stderr, '');
    // -R disables address space randomization: this ThreadSanitizer does not support every layout of newer kernels
    const { stdout, stderr, status } = spawnSync('setarch', ['-R', program, '1', '400'], { input, encoding: 'utf8' });
    assert.equal(stderr, '');
    const [, compared] = /^(\d+) lines, 0 differences\n$/.exec(stdout) ?? [];
    assert.ok(Number(compared) > 50_000, stdout);
    assert.equal(status, 0);
  });
}
