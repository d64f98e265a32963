import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { assertAll, format, numbered, seqsIn, seqsOf } from '../support/lines.js';
import { folder, killGroup, settled, size, start, undo, until } from '../support/process.js';
import { shell } from '../support/shell.js';

/** Makes a folder with a file system of 64 KiB, `disk/`, in it. Needs root. */
function withSmallDisk(t: TestContext): { dir: string; disk: string } {
  const dir = mkdtempSync(join(tmpdir(), 'synpipe-disk-'));
  const disk = join(dir, 'disk');
  mkdirSync(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]);
  undo(t, () => {
    execFileSync('umount', [disk]);
    rmSync(dir, { recursive: true });
  });
  return { dir, disk };
}

/** Returns a function that returns the command's stderr so far. */
function saying(child: ChildProcess): () => string {
  let said = '';
  child.stderr?.on('data', (text) => {
    said += text;
  });
  return () => said;
}

test('a full disk: whole lines only, and the others are counted', async (t) => {
  const { dir, disk } = withSmallDisk(t);
  const out = join(disk, 'out');
  const sent = 600; // less than one read takes, so it has read them all when the disk is full
  writeFileSync(join(dir, 'in'), numbered(1, sent));
  const { stderr, code } = await shell('sink-file disk/out < in', dir);
  const stored = seqsIn(out);
  assert.ok(stored.length > 100 && stored.length < sent, `${stored.length} stored`);
  assertAll(stored, stored.length);
  const expected = `sink-file: cannot write disk/out: ENOSPC, ${sent - stored.length} lines not written; free some space\n`;
  assert.deepEqual({ stderr, code }, { stderr: expected, code: 1 });
});

test('the disk is full while a pipeline ends, and has space again later', async (t) => {
  const { dir, disk } = withSmallDisk(t);
  writeFileSync(join(disk, 'ballast'), Buffer.alloc(20_000));
  const line = `seq -f '${format}' 5000 | filter | sink-file disk/out`;
  const { stderr, code } = await shell(line, dir);
  assert.match(stderr, /^sink-file: cannot write disk\/out: ENOSPC, \d+ lines not written; free some space\n$/);
  assert.equal(code, 1);
  const stored = seqsIn(join(disk, 'out'));
  assertAll(stored, stored.length);
  execFileSync('rm', [join(disk, 'ballast')]);
  const more = await shell('sink-file disk/out', dir, numbered(stored.length + 1, stored.length + 20));
  assert.deepEqual(more, { stdout: '', stderr: '', code: 0 });
  assertAll(seqsIn(join(disk, 'out')), stored.length + 20);
});

test('a file size limit (ulimit -f) acts like a full disk', async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, 'in'), numbered(1, 600));
  const { stderr, code } = await shell('ulimit -f 64; sink-file out < in', dir);
  const stored = seqsIn(join(dir, 'out')).length;
  const expected = `sink-file: cannot write out: EFBIG, ${600 - stored} lines not written; raise the file size limit (ulimit -f)\n`;
  assert.deepEqual({ stderr, code }, { stderr: expected, code: 1 });
});

test('--on-full drop: continues with whole lines, and writes to the file how many are missing where', async (t) => {
  const { disk } = withSmallDisk(t);
  const out = join(disk, 'out');
  writeFileSync(join(disk, 'ballast'), Buffer.alloc(30_000));
  const { child, ended } = start(t, ['sink-file', '--on-full', 'drop', '--status', 'out'], disk);
  let ledger = '';
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    ledger += text;
  });
  const said = saying(child);
  child.stdin?.write(numbered(1, 300));
  await until('the disk to be full', () => said().includes('ENOSPC'));
  await settled(() => size(out));
  unlinkSync(join(disk, 'ballast'));
  child.stdin?.write(numbered(301, 350));
  await until('later lines', () => readFileSync(out, 'utf8').includes('"seq":350,'));
  child.stdin?.end();
  const { code, stderr } = await ended;
  assert.equal(code, 0);
  const seqs = seqsIn(out);
  const gap = seqs.indexOf(undefined as never); // the `lost` event
  const gapEvent = JSON.parse(readFileSync(out, 'utf8').split('\n')[gap] as string);
  assert.deepEqual(gapEvent, { type: 'lost', v: 1, stage: 'sink-file', where: 'disk full', count: 300 - gap });
  assert.deepEqual(seqs, [...count(1, gap), undefined, ...count(301, 350)]);
  assert.equal(
    stderr,
    `sink-file: out: ENOSPC, dropping lines until there is space; free some\nsink-file: out: ${300 - gap} lines dropped while the disk was full\n`,
  );
  const { in: read, out: stored, lost } = JSON.parse(ledger.split('\n').at(-2) as string);
  assert.deepEqual({ read, stored, lost }, { read: 350, stored: 50 + gap, lost: 300 - gap });
});

const count = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

test('--on-full block: stops reading until there is space, and nothing is missing', async (t) => {
  const { disk } = withSmallDisk(t);
  const out = join(disk, 'out');
  writeFileSync(join(disk, 'ballast'), Buffer.alloc(30_000));
  const { child, ended } = start(t, ['sink-file', '--on-full', 'block', 'out'], disk);
  const said = saying(child);
  child.stdin?.write(numbered(1, 250));
  await until('the disk to be full', () => said().includes('ENOSPC'));
  await settled(() => size(out)); // a partly written line is there for a moment
  await until('whole lines', () => readFileSync(out).at(-1) === 10);
  assertAll(seqsIn(out), seqsIn(out).length);
  unlinkSync(join(disk, 'ballast'));
  child.stdin?.end();
  const stderr =
    'sink-file: out: ENOSPC, waiting until there is space; free some\nsink-file: out: there is space again\n';
  assert.deepEqual(await ended, { code: 0, signal: null, stderr });
  assertAll(seqsIn(out), 250);
});

test('--on-full block: continues after SIGHUP if the file was moved away to make space', async (t) => {
  const { dir, disk } = withSmallDisk(t);
  const out = join(disk, 'out');
  const { child, ended } = start(t, ['sink-file', '--on-full', 'block', 'out'], disk);
  const said = saying(child);
  child.stdin?.write(numbered(1, 400));
  await until('the disk to be full', () => said().includes('ENOSPC'));
  await settled(() => size(out));
  execFileSync('cp', [out, join(dir, 'moved')]);
  unlinkSync(out);
  child.kill('SIGHUP');
  child.stdin?.end();
  const { code } = await ended;
  assert.equal(code, 0);
  assertAll([...seqsIn(join(dir, 'moved')), ...seqsIn(out)], 400);
});

/** A server on loopback, and the bodies that it received. It refuses them while `up` is false. */
async function server(t: TestContext) {
  const got = { bodies: [] as string[], up: true, url: '' };
  const listening = createServer(async (request, response) => {
    const body = await text(request);
    if (got.up) got.bodies.push(body);
    response.writeHead(got.up ? 200 : 503).end();
  });
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  t.after(() => listening.close());
  got.url = `http://127.0.0.1:${(listening.address() as AddressInfo).port}/`;
  return got;
}

test("a full disk under sink-http's spool with the receiver up: spooled lines are sent, which frees space", async (t) => {
  const { disk } = withSmallDisk(t);
  writeFileSync(join(disk, 'ballast'), Buffer.alloc(30_000)); // stays for the whole test
  const got = await server(t);
  const input = numbered(1, 3_000); // ten times the space on the disk
  const { code, stderr } = await shell(`sink-http --batch-time 1m --spool spool ${got.url}`, disk, input);
  assert.match(
    stderr,
    /^(sink-http: spool: ENOSPC, waiting until there is space; free some\n|sink-http: spool: there is space again\n)+$/,
  );
  assert.equal(code, 0);
  assertAll(
    seqsOf(got.bodies.join('')).sort((a, b) => a - b), // batches arrive in any order
    3_000,
  );
  assert.deepEqual(readdirSync(join(disk, 'spool')), []);
});

test("a full disk under sink-http's spool with the receiver down: it waits, and delivers everything later", async (t) => {
  const { disk } = withSmallDisk(t);
  writeFileSync(join(disk, 'ballast'), Buffer.alloc(30_000));
  const got = await server(t);
  got.up = false;
  const { child, ended } = start(t, ['sink-http', '--spool', 'spool', got.url], disk);
  const said = saying(child);
  child.stdin?.write(numbered(1, 250));
  await until('the disk to be full', () => said().includes('ENOSPC'));
  unlinkSync(join(disk, 'ballast'));
  await until('space', () => said().includes('space again'));
  got.up = true;
  child.stdin?.end();
  const { code, stderr } = await ended;
  const http = String.raw`http\S+: (503; trying again|working again)`;
  const spool = 'spool: (ENOSPC, waiting until there is space; free some|there is space again)';
  assert.match(stderr, new RegExp(`^(sink-http: (${http}|${spool})\n)+$`));
  assert.equal(code, 0);
  assertAll(
    seqsOf(got.bodies.join('')).sort((a, b) => a - b),
    250,
  );
});

test('a full disk while closed files are compressed leaves them as they are', async (t) => {
  const { disk } = withSmallDisk(t);
  const random = (from: number, to: number) =>
    count(from, to)
      .map((seq) => `{"type":"x","seq":${seq},"r":"${randomBytes(150).toString('base64')}"}\n`)
      .join('');
  const large = 'out@20260101T000000.000Z';
  writeFileSync(join(disk, large), random(1, 200));
  const { stderr, code } = await shell('sink-file --compress gzip out', disk, random(201, 220));
  assert.equal(code, 1);
  const kept = String.raw`sink-file: cannot archive out@\S+: ENOSPC; keeping it as it is`;
  const end =
    'sink-file: 1 closed file is not archived; fix the cause, then start sink-file again: it archives closed files';
  assert.match(stderr, new RegExp(`^${kept}\n${end}\n$`));
  const names = readdirSync(disk).filter((name) => name.startsWith('out'));
  const small = names.find((name) => name.endsWith('.gz')); // there is space for this one
  assert.deepEqual(names, [large, small]);
  assertAll([...seqsIn(join(disk, large)), ...seqsOf(gunzipSync(readFileSync(join(disk, String(small)))))], 220);
});

/** How often it is killed. SYNPIPE_KILLS=500 sets another number. */
const rounds = Number(process.env.SYNPIPE_KILLS ?? 60);

for (const [options, path] of [
  ['', 'out'],
  ['--rotate-size 200K --compress gzip --fsync interval', 'out-%Y%m%d.ndjson'],
]) {
  test(`kill -9 at random points${options && `, with ${options}`}: whole lines, and no written line is missing`, async (t) => {
    const dir = folder(t);
    let [written, repaired] = [0, 0];
    for (let round = 1; round <= rounds / 2; round++) {
      // slow, and limited: it may outlive a test that is killed
      const slowly = `i=${written}; while [ $i -lt ${written + 50_000} ]; do seq -f '${format}' $((i + 1)) $((i += 250)); sleep .002; done`;
      const line = `{ ${slowly}; } | sink-file ${options} ${path}`;
      const { child, ended } = start(t, ['bash', '-c', line], dir);
      const enough = written + 1 + Math.floor(Math.random() * 3_000);
      let seen = written;
      await until(`lines in round ${round}`, () => {
        seen = Math.max(seen, lastSeq(dir));
        return seen >= enough;
      });
      killGroup(child);
      assert.deepEqual((await ended).stderr, '');
      const again = await shell(`sink-file ${options} ${path}`, dir); // a restart that reads all of its input
      assert.equal(again.code, 0);
      const { stdout } = await shell(
        'for f in out*@*.gz; do zcat "$f"; done; cat $(ls | grep -v -e gz$ -e torn$)',
        dir,
      );
      const seqs = seqsOf(stdout);
      assert.ok((seqs.at(-1) as number) >= seen, `round ${round}: ${seqs.at(-1)} of at least ${seen}`);
      assert.ok(!readdirSync(dir).some((name) => name.endsWith('.tmp')));
      if (readdirSync(dir).some((name) => name.endsWith('.torn'))) repaired++;
      assertAll(
        seqs.map((seq) => seq - written),
        seqs.length,
      );
      written = seqs.at(-1) as number;
      for (const name of readdirSync(dir)) unlinkSync(join(dir, name));
    }
    t.diagnostic(`${repaired} of ${Math.floor(rounds / 2)} restarts had to repair`);
  });
}

/** The seq of the last whole line in any of the files. */
function lastSeq(dir: string): number {
  const seqs = readdirSync(dir).map((name) => {
    if (/gz|tmp|torn/.test(name)) return 0;
    try {
      const text = readFileSync(join(dir, name), 'utf8');
      return Number(/"seq":(\d+),[^\n]*\n[^\n]*$/.exec(text)?.[1] ?? 0);
    } catch {
      return 0; // it has just been renamed
    }
  });
  return Math.max(0, ...seqs);
}
