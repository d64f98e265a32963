import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { parquetReadObjects } from 'hyparquet';
import { assertAll, numbered, seqsOf } from '../../support/lines.js';
import { folder, start, until } from '../../support/process.js';
import { shell } from '../../support/shell.js';

const files = (dir: string, like = /./) =>
  readdirSync(dir)
    .filter((name) => like.test(name))
    .sort();
const stamped = /^out@\d{8}T\d{6}\.\d{3}Z\.ndjson/;
const ok = { stdout: '', stderr: '', code: 0 };

test('--compress compresses closed files, including those of earlier runs and of a crash', async (t) => {
  const dir = folder(t);
  const at = (seconds: number) => `out@20260101T0000${String(seconds).padStart(2, '0')}.000Z.ndjson`;
  writeFileSync(join(dir, at(1)), numbered(1, 5)); // closed, then killed
  writeFileSync(join(dir, at(2)), numbered(6, 10)); // killed during compression
  writeFileSync(join(dir, `${at(2)}.gz.tmp`), 'half');
  writeFileSync(join(dir, `${at(3)}.gz.tmp`), gzipSync(numbered(11, 15))); // killed before the last step
  assert.deepEqual(await shell('sink-file --rotate-size 64K --compress gzip out.ndjson', dir, numbered(16, 1000)), ok);
  const closed = files(dir, stamped);
  assert.ok(closed.length > 5 && closed.every((name) => name.endsWith('.ndjson.gz')), closed.join(' '));
  const text = closed.map((name) => gunzipSync(readFileSync(join(dir, name))).toString()).join('');
  assertAll(seqsOf(text), 1000);
  assert.deepEqual(files(dir), closed);
});

test('--compress zstd can be read by zstd(1)', async (t) => {
  const dir = folder(t);
  assert.deepEqual(await shell('sink-file --rotate-size 1M --compress zstd out.ndjson', dir, numbered(1, 10_000)), ok);
  assert.ok(files(dir, /\.zst$/).length >= 2);
  const { stdout } = await shell('zstdcat out@*.zst', dir);
  assertAll(seqsOf(stdout), 10_000);
});

test('a name that is used again does not overwrite an archive', async (t) => {
  const dir = folder(t);
  const other = (new Date().getUTCHours() + 12) % 24; // another hour, so the file is closed
  const name = `h-${String(other).padStart(2, '0')}.ndjson`;
  writeFileSync(join(dir, name), numbered(6, 10));
  writeFileSync(join(dir, `${name}.gz`), gzipSync(numbered(1, 5)));
  assert.deepEqual(await shell('sink-file --compress gzip h-%H.ndjson', dir, numbered(11, 12)), ok);
  const read = (one: string) => gunzipSync(readFileSync(join(dir, one))).toString();
  const others = files(dir, new RegExp(`^${name.slice(0, 4)}(@.*)?\\.ndjson`)).filter((one) => one !== `${name}.gz`);
  assert.equal(read(`${name}.gz`), numbered(1, 5));
  assert.equal(
    others
      .filter((one) => one.endsWith('.gz'))
      .map(read)
      .join(),
    numbered(6, 10),
  );
});

test('--compress: an idle period leaves no empty file and no empty archive', async (t) => {
  const dir = folder(t);
  const second = () => Math.floor(Date.now() / 1_000);
  const { child, ended } = start(t, ['sink-file', '--compress', 'zstd', 'c-%s.ndjson'], dir);
  const begin = second();
  await until('three idle seconds', () => second() >= begin + 3);
  child.stdin?.write(numbered(1, 1));
  await until('an archive', () => files(dir, /\.zst$/).length > 0);
  const idle = second();
  await until('two idle seconds', () => second() >= idle + 2);
  child.stdin?.end();
  assert.deepEqual(await ended, { code: 0, signal: null, stderr: '' });
  assert.equal(files(dir).length, 1, files(dir).join(' '));
  assertAll(seqsOf((await shell('zstdcat *.zst', dir)).stdout), 1);
});

test('--latest is removed when its file was compressed at the end', async (t) => {
  const dir = folder(t);
  assert.deepEqual(await shell('sink-file --latest now --compress gzip out.ndjson', dir, numbered(1, 1)), ok);
  assert.deepEqual(
    files(dir).map((name) => name.replace(/@\d{8}T\d{6}\.\d{3}Z/, '@TIME')),
    ['out@TIME.ndjson.gz'],
  );
});

test('--format parquet: every closed file including the last; field types, gaps, JSON', async (t) => {
  const dir = folder(t);
  const odd = { type: 'odd', ts: '2026-11-23T08:15:30.000007Z', addrs: ['a'], big: 1.5, no: null, mixed: 'x' };
  const input = `${numbered(1, 25_000)}${JSON.stringify(odd)}\n{"type":"odd","mixed":1}\n`;
  assert.deepEqual(await shell('sink-file --format parquet --rotate-size 3M out.parquet', dir, input), ok);
  assert.ok(
    files(dir).length === 2 && files(dir).every((name) => /^out@.*Z\.parquet$/.test(name)),
    files(dir).join(' '),
  );
  const rows = [];
  for (const name of files(dir)) {
    const { buffer, byteOffset, byteLength } = readFileSync(join(dir, name));
    rows.push(
      ...(await parquetReadObjects({ file: buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer })),
    );
  }
  assertAll(
    rows.slice(0, 25_000).map(({ seq }) => Number(seq)),
    25_000,
  );
  const [first, before, last] = [rows[0], rows[25_000], rows[25_001]];
  assert.deepEqual([first?.ts.toISOString(), first?.id, first?.dport], ['2026-11-23T08:15:30.123Z', '4242', 443n]);
  assert.deepEqual([before?.addrs, before?.big, before?.mixed, last?.mixed, last?.seq], [['a'], 1.5, 'x', 1, null]);
});
