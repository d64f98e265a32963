import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { closedName, type FoundFile, listClosed } from '../../../sinks/file/closed.js';
import { surplus } from '../../../sinks/file/retention.js';
import { Template } from '../../../sinks/file/template.js';

const now = Date.parse('2026-11-23T09:10:00Z');

/** Lists a folder of these files, each written a second after the one before. */
async function listed(template: string, names: string[]) {
  const dir = mkdtempSync(join(tmpdir(), 'synpipe-closed-'));
  try {
    names.forEach((name, i) => {
      mkdirSync(dirname(join(dir, name)), { recursive: true });
      writeFileSync(join(dir, name), name);
      utimesSync(join(dir, name), i, i);
    });
    const { closed, archived, unfinished } = await listClosed(new Template(`${dir}/${template}`), now);
    const bare = (path: string) => path.slice(dir.length + 1);
    return {
      closed: closed.map(({ path }) => bare(path)),
      archived: archived.map(({ path }) => bare(path)),
      unfinished: unfinished.map(bare),
    };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test('a closed file gets an unused name that sorts by time', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'synpipe-closed-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const first = closedName(`${dir}/out.ndjson`, now);
  assert.equal(first, `${dir}/out@20261123T091000.000Z.ndjson`);
  writeFileSync(`${first}.gz`, '');
  assert.equal(closedName(`${dir}/out.ndjson`, now), `${dir}/out@20261123T091000.001Z.ndjson`);
  assert.equal(closedName('a.b/out', now), 'a.b/out@20261123T091000.000Z');
  assert.equal(closedName('.out', now), '.out@20261123T091000.000Z');
});

test('for a plain path, files with a timestamp are closed', async () => {
  const stamp = '@20261123T091000.000Z';
  assert.deepEqual(
    await listed('out.ndjson', [
      'out.ndjson',
      `out${stamp}.ndjson`,
      `out${stamp}.ndjson.gz`,
      `out@20261124T091000.000Z.ndjson.zst.tmp`,
      'out.ndjson.torn',
      'other.ndjson',
      `out${stamp}.txt`,
      `out@x.ndjson`,
      'out.ndjson.gz',
    ]),
    {
      closed: [`out${stamp}.ndjson`],
      archived: [`out${stamp}.ndjson.gz`, 'out.ndjson.gz'],
      unfinished: ['out@20261124T091000.000Z.ndjson.zst.tmp'],
    },
  );
});

test('for a path with time in it, files of another time are closed', async () => {
  assert.deepEqual(
    await listed('c-%Y%m%d-%H.ndjson', [
      'c-20261123-09.ndjson',
      'c-20261123-08.ndjson',
      'c-20261122-09.ndjson.gz',
      'c-20261123-09@20261123T090100.000Z.ndjson',
      'c-20261123.ndjson',
      'c-20261123-08.ndjson.torn',
      'd-20261123-08.ndjson',
    ]),
    {
      closed: ['c-20261123-08.ndjson', 'c-20261123-09@20261123T090100.000Z.ndjson'],
      archived: ['c-20261122-09.ndjson.gz'],
      unfinished: [],
    },
  );
});

test('finds closed files in folders with time and fields in their names', async () => {
  assert.deepEqual(
    await listed('%Y/%m/{comm}', [
      '2026/11/curl',
      '2026/11/a.b',
      '2026/10/curl',
      '2026/10/a.b.gz',
      '2025/11/x',
      'x/11/curl',
      '2026/1/curl',
      '2026/10/x@y',
    ]),
    { closed: ['2026/10/curl', '2025/11/x'], archived: ['2026/10/a.b.gz'], unfinished: [] },
  );
});

test('a missing folder has no closed files', async () =>
  assert.deepEqual(await listed('%Y/x', []), { closed: [], archived: [], unfinished: [] }));

test('the oldest files are deleted, and no more than necessary', () => {
  const file = fc.record({ path: fc.uuid(), size: fc.nat(50), modified: fc.integer({ min: 0, max: 100 }) });
  const limit = (max: number) => fc.option(fc.nat(max), { nil: undefined });
  fc.assert(
    fc.property(fc.array(file), limit(6), limit(150), limit(100), (found: FoundFile[], files, bytes, age) => {
      const gone = surplus(found, { files, bytes, age }, 100);
      const kept = found.filter((one) => !gone.includes(one));
      const total = (some: FoundFile[]) => some.reduce((sum, { size }) => sum + size, 0);
      const fits = (some: FoundFile[]) =>
        some.length <= (files ?? Number.POSITIVE_INFINITY) &&
        total(some) <= (bytes ?? Number.POSITIVE_INFINITY) &&
        some.every(({ modified }) => 100 - modified <= (age ?? Number.POSITIVE_INFINITY));
      assert.ok(fits(kept));
      for (const one of gone) for (const other of kept) assert.ok(one.modified <= other.modified);
      const newest = gone.at(-1);
      if (newest) assert.ok(!fits([...kept, newest]), 'the newest deleted file would not have fitted');
    }),
  );
});
