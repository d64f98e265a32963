import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { root, shell } from '../../../support/shell.js';

const dir = mkdtempSync(join(tmpdir(), 'synpipe-files-'));
after(() => rmSync(dir, { recursive: true, force: true }));
const sample = readFileSync(join(root, 'collector/replay/sample.ndjson'));
const lines = sample.toString().split(/(?<=\n)/);
writeFileSync(join(dir, 'a.ndjson'), sample);
writeFileSync(join(dir, 'a.ndjson.gz'), gzipSync(sample));
writeFileSync(join(dir, 'mine.mjs'), 'export default (event) => event.dport === 443;\n');

/** Each stage, as it reads `$FILE`, and what it has to print for comparison. */
const stages: Record<string, string> = {
  aggregate: 'aggregate --by comm $FILE',
  apply: 'apply ./mine.mjs --input $FILE',
  dedupe: 'dedupe --by daddr $FILE',
  enrich: 'enrich --offline --with service $FILE',
  filter: 'filter --failed $FILE',
  replay: 'replay --speed max $FILE',
  'sink-file': 'rm -f out; sink-file --input $FILE out; cat out',
  'sink-table': 'sink-table $FILE',
  'to-ecs': 'to-ecs $FILE',
  'to-otel': 'to-otel $FILE',
  validate: 'validate $FILE',
};

for (const [name, command] of Object.entries(stages))
  test(`${name} reads a plain, a gzip and a zstd file as it reads standard input`, async () => {
    await shell('[ -e a.ndjson.zst ] || zstd -q a.ndjson', dir);
    const wanted = await shell(`${command.replace(/(--input )?\$FILE/, '< a.ndjson')}`, dir);
    assert.deepEqual([wanted.code, wanted.stderr], [0, '']);
    assert.notEqual(wanted.stdout, '');
    for (const file of ['a.ndjson', 'a.ndjson.gz', 'a.ndjson.zst', '/dev/stdin < a.ndjson.gz', '- < a.ndjson.zst'])
      assert.deepEqual(await shell(command.replace('$FILE', file), dir), wanted, file);
    if (name === 'sink-file') return;
    assert.deepEqual(await shell(`synpipe run '${command.replace('$FILE', 'a.ndjson.zst')}'`, dir), wanted);
  });

test('pipes: a FIFO, process substitution, standard input between files', async () => {
  const { stdout } = await shell(
    'mkfifo pipe; cat a.ndjson > pipe & filter --type dns,outcome pipe | wc -l; filter --type dns <(cat a.ndjson) <(gzip -c a.ndjson) | wc -l; cat a.ndjson | filter --type dns a.ndjson - a.ndjson | wc -l',
    dir,
  );
  const dns = lines.filter((line) => line.startsWith('{"type":"dns"')).length;
  const both = dns + lines.filter((line) => line.startsWith('{"type":"outcome"')).length;
  assert.ok(dns > 0 && both > dns && lines.length > both);
  assert.deepEqual(stdout.trim().split('\n').map(Number), [both, 2 * dns, 3 * dns]);
});

test('a rotated recording is read in order of time, whatever the order of the names', async () => {
  const part = (from: number, to: number) => lines.slice(from, to).join('');
  const put = (name: string, text: string) => writeFileSync(join(dir, name), text);
  put('o.ndjson', part(200, lines.length));
  put('o.ndjson.1', part(100, 200));
  writeFileSync(join(dir, 'o.ndjson.2.gz'), gzipSync(part(0, 100)));
  put('s@20261128T100000.000Z.ndjson', part(0, 100));
  put('s@20261128T110000.000Z.ndjson', part(100, 200));
  put('s.ndjson', part(200, lines.length));
  await shell(
    'zstd -q --rm s@20261128T1[01]*; ln -s s.ndjson s-now.ndjson; echo x > s@20261128T110000.000Z.ndjson.zst.tmp',
    dir,
  );
  for (const names of ["'o.ndjson*'", 'o.ndjson*', 'o.ndjson o.ndjson.1 o.ndjson.2.gz', "'s*'", 's.ndjson s@*.zst']) {
    const { stdout, stderr, code } = await shell(`validate ${names}`, dir);
    assert.deepEqual([stdout === sample.toString(), stderr, code], [true, '', 0], names);
  }
  // recordings of two programs: by the time of their first events
  put('z-first.ndjson', part(0, 100));
  writeFileSync(join(dir, 'a-second.ndjson.gz'), gzipSync(part(100, lines.length)));
  assert.equal((await shell('validate a-second.ndjson.gz z-first.ndjson', dir)).stdout, sample.toString());
  const zst = await shell('zstd -q z-first.ndjson; validate a-second.ndjson.gz z-first.ndjson.zst', dir);
  assert.equal(zst.stdout, sample.toString());
});

test('members and frames that follow each other, and frames to skip', async () => {
  await shell(
    'gzip -c a.ndjson > m.gz; gzip -c a.ndjson >> m.gz; zstd -qc a.ndjson > m.zst; printf "\\x50\\x2a\\x4d\\x18\\x03\\0\\0\\0abc" >> m.zst; zstd -qc --no-check a.ndjson >> m.zst; cat m.zst a.ndjson.zst > n.zst',
    dir,
  );
  assert.equal((await shell('validate m.gz', dir)).stdout, sample.toString().repeat(2));
  assert.equal((await shell('validate m.zst', dir)).stdout, sample.toString().repeat(2));
  assert.equal((await shell('validate n.zst', dir)).stdout, sample.toString().repeat(3));
});

for (const kind of ['gz', 'zst'])
  test(`a truncated .${kind}, wherever it is cut: its whole lines are read, then one line names it, exit code 1`, async () => {
    const text = sample.toString().repeat(40);
    writeFileSync(join(dir, 'long.ndjson'), text);
    await shell('rm -f long.ndjson.*; gzip -k long.ndjson; zstd -q long.ndjson', dir);
    const archive = readFileSync(join(dir, `long.ndjson.${kind}`));
    for (const share of [0.001, 0.3, 0.6, 0.9, 0.9999]) {
      writeFileSync(join(dir, 'cut'), archive.subarray(0, Math.floor(archive.length * share)));
      const { stdout, stderr, code } = await shell('validate cut a.ndjson', dir);
      const cut = stdout.slice(0, -sample.length);
      const read = cut.split('\n').length - 1;
      assert.ok(text.startsWith(cut) && (cut === '' || cut.endsWith('\n')));
      assert.equal(stdout.slice(-sample.length), sample.toString());
      const where =
        read > 0 ? `after line ${read}; the lines before that were read` : 'in its first line; copy it again';
      assert.deepEqual([stderr, code], [`validate: cut is truncated ${where}\n`, 1]);
    }
  });

test('a damaged archive', async () => {
  for (const [kind, reason] of [
    [
      'gz',
      /^validate: bad is damaged \(.+\) (after line \d+; the lines before that were read|in its first line; copy it again)\n$/,
    ],
    ['zst', /^validate: bad is damaged \(invalid block\) (after|in)/],
  ] as const) {
    await shell('[ -e a.ndjson.zst ] || zstd -q a.ndjson', dir);
    const archive = readFileSync(join(dir, `a.ndjson.${kind}`));
    archive.fill(0xff, 60, 90);
    writeFileSync(join(dir, 'bad'), archive);
    const { stderr, code } = await shell('validate bad', dir);
    assert.match(stderr, reason);
    assert.equal(code, 1);
  }
});

test('a file that may not be read gets one line', {
  skip: process.getuid?.() !== 0 && 'needs root to become another user',
}, async () => {
  const { stdout, stderr, code } = await shell(
    `chmod 755 .; cp a.ndjson secret; chmod 600 secret; setpriv --reuid 65534 --clear-groups env PATH="$PATH" filter --type outcome secret a.ndjson`,
    dir,
  );
  assert.deepEqual([stderr, code], ['filter: cannot read secret: EACCES; check the permissions\n', 1]);
  assert.equal(stdout, (await shell('filter --type outcome a.ndjson', dir)).stdout);
});
