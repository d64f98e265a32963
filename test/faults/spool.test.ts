import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { assertAll, numbered } from '../support/lines.js';
import { NatsServer, seqs } from '../support/nats.js';
import { folder, size } from '../support/process.js';
import { Deduped, Receiver } from '../support/receiver.js';
import { shell } from '../support/shell.js';

const flip = (path: string, at: number) => {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] as number) ^ 1;
  writeFileSync(path, bytes);
};

/** What happens to the second of three files, and how many of its ten events are still delivered. */
const damages: Record<string, (path: string) => void> = {
  'without its last newline': (path) => truncateSync(path, size(path) - 1),
  'cut in the middle': (path) => truncateSync(path, Math.floor(size(path) / 2)),
  'cut to nothing': (path) => truncateSync(path, 0),
  'random bytes': (path) => writeFileSync(path, Buffer.alloc(3_000, '\x01\xff{"type":')),
  'a flipped bit in a number': (path) => flip(path, readFileSync(path).indexOf('"dport":') + 9),
  'zeros at the end': (path) => writeFileSync(path, Buffer.alloc(500), { flag: 'a' }),
  'a folder': (path) => {
    rmSync(path);
    mkdirSync(path);
    writeFileSync(join(path, 'inside'), 'mine');
  },
  'a FIFO': (path) => {
    rmSync(path);
    execFileSync('mkfifo', [path]);
  },
  'a link to another file': (path) => {
    rmSync(path);
    symlinkSync('/etc/hostname', path);
  },
};

/** The spooled files, oldest first. */
const files = (dir: string) =>
  readdirSync(join(dir, 'spool'))
    .filter((name) => name.endsWith('.ndjson'))
    .sort();

async function receiver(t: TestContext) {
  const deduped = new Deduped();
  const started = await Receiver.start(t, (got, response) => {
    deduped.take(got);
    response.end();
  });
  return { deduped, receiver: started };
}

for (const [what, damage] of Object.entries(damages)) {
  test(`a spooled file is ${what}: it is set aside and reported, and the others are delivered`, async (t) => {
    const dir = folder(t);
    const { deduped, receiver: server } = await receiver(t);
    await server.down();
    const line = `sink-http --timeout 100ms --batch-lines 10 --spool spool ${server.url}`;
    assert.equal((await shell(line, dir, numbered(1, 30))).code, 0);
    const [, second] = files(dir) as [string, string, string];
    damage(join(dir, 'spool', second));
    await server.up();
    const { stderr, code } = await shell(`sink-http --spool spool ${server.url}`, dir, numbered(31, 35));
    assert.equal(code, 0, stderr);
    assert.match(stderr, new RegExp(`^sink-http: spool/${second}: [^\\n]+; set aside as spool/${second}\\.bad\\n$`));
    assert.deepEqual(
      deduped.seqs,
      [...Array(35).keys()].map((at) => at + 1).filter((seq) => seq <= 10 || seq > 20),
    );
    assert.deepEqual(readdirSync(join(dir, 'spool')), [`${second}.bad`]);
    assert.deepEqual(await shell(`sink-http --spool spool ${server.url}`, dir), { stdout: '', stderr: '', code: 0 });
  });
}

test('an unfinished spooled file with damaged lines: its good lines are delivered, the others set aside', async (t) => {
  const dir = folder(t);
  const { deduped, receiver: server } = await receiver(t);
  const id = '00001763971200000-000000'.slice(3);
  const name = `${id}-0b6e1b5e-7a4c-4c1e-9d3a-2f6f3c9f7f10.open`;
  mkdirSync(join(dir, 'spool'));
  writeFileSync(join(dir, 'spool', name), `${numbered(1, 3)}\0\0\0\n{"type":7}\n${numbered(4, 5)}{"type":"conn`);
  const { stderr, code } = await shell(`sink-http --spool spool ${server.url}`, dir);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /: the last line was torn; moved its 13 bytes to spool\/\S+\.open\.torn\n/);
  assert.match(stderr, /\.open: 2 lines damaged; moved to spool\/\S+\.open\.bad\n$/);
  assertAll(deduped.seqs, 5);
  assert.deepEqual(readdirSync(join(dir, 'spool')).sort(), [`${name}.bad`, `${name}.torn`]);
  assert.equal(readFileSync(join(dir, 'spool', `${name}.bad`), 'latin1'), '\0\0\0\n{"type":7}\n');
});

test('a damaged spooled file of sink-nats is set aside, and the others are stored', async (t) => {
  const dir = folder(t);
  const server = await NatsServer.start(t);
  await server.down();
  const spooled = `sink-nats --create-stream CONN --timeout 100ms --spool spool ${server.url}`;
  for (const from of [1, 11, 21]) assert.equal((await shell(spooled, dir, numbered(from, from + 9))).code, 0);
  const [first, second] = files(dir) as [string, string];
  damages['without its last newline']?.(join(dir, 'spool', first));
  damages['a folder']?.(join(dir, 'spool', second));
  await server.up();
  const { stderr, code } = await shell(`sink-nats --create-stream CONN --spool spool ${server.url}`, dir);
  assert.equal(code, 0, stderr);
  assert.equal(stderr.match(/set aside as/g)?.length, 2);
  assert.deepEqual(
    seqs(await server.stored('CONN')),
    [...Array(10).keys()].map((at) => at + 21),
  );
});
