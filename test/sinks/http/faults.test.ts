import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { assertAll, format, numbered } from '../../support/lines.js';
import { folder, killGroup, proc, start, until } from '../../support/process.js';
import { Deduped, Receiver } from '../../support/receiver.js';
import { shell } from '../../support/shell.js';

const trying = /^(sink-http: http:\/\/127\.0\.0\.1:\d+\/: [^\n]*(; trying again|working again)\n)+$/;

/** What a receiver may do wrong with a request. It may have stored the lines or not. */
const faults: Record<string, (store: () => void, response: ServerResponse) => void> = {
  500: (_, response) => response.writeHead(500).end('broken'),
  '503 although it stored the lines': (store, response) => {
    store();
    response.writeHead(503).end();
  },
  '429 with Retry-After': (_, response) => response.writeHead(429, { 'retry-after': '0' }).end('slowly'),
  '408': (_, response) => response.writeHead(408).end(),
  'reset before the answer': (_, response) => response.socket?.resetAndDestroy(),
  'reset during the answer': (store, response) => {
    store();
    response.writeHead(200, { 'content-length': '1000' });
    response.write('half', () => response.socket?.resetAndDestroy());
  },
  'half-closed: no answer, and its side ends': (_, response) => response.socket?.end(),
  'half-closed during the answer': (store, response) => {
    store();
    response.writeHead(200, { 'content-length': '1000' });
    response.write('half', () => response.socket?.end());
  },
  'an answer that is not HTTP': (_, response) => response.socket?.end('HELO\r\n\r\n'),
  'an answer that arrives very slowly': (store, response) => {
    store();
    response.writeHead(200, { 'content-length': '20' });
    let left = 20;
    const timer = setInterval(() => {
      response.write('.');
      if (--left > 0) return;
      clearInterval(timer);
      response.end();
    }, 10);
  },
};

test('each fault in turn, several batches at once: everything sent arrives exactly once', async (t) => {
  const deduped = new Deduped();
  const names = Object.keys(faults);
  const receiver = await Receiver.start(t, (got, response, nth) => {
    const fault = nth % 2 === 0 ? faults[names[(nth / 2) % names.length] as string] : undefined;
    if (fault) return fault(() => deduped.take(got), response);
    deduped.take(got);
    response.end();
  });
  const line = `sink-http --batch-lines 250 --gzip --request-timeout 5s ${receiver.url}`;
  const { stdout, stderr, code } = await shell(line, folder(t), numbered(1, 5000));
  assert.deepEqual({ stdout, code }, { stdout: '', code: 0 });
  assert.match(stderr, trying);
  assert.ok(receiver.got.length >= 2 * names.length, 'each fault occurred');
  assertAll(deduped.seqs, 5000);
  assert.equal(deduped.changed, 0);
});

test('a connection reset during a request loses nothing', async (t) => {
  const deduped = new Deduped();
  const receiver = await Receiver.start(t, (got, response) => {
    deduped.take(got);
    response.end();
  });
  let resets = 0;
  receiver.atOnce = (request) => {
    if (resets === 4) return false;
    resets++;
    request.once('data', () => request.socket.resetAndDestroy());
    return true;
  };
  const { stderr, code } = await shell(
    `sink-http --batch-bytes 4M --batch-lines 100000 ${receiver.url}`,
    folder(t),
    numbered(1, 15_000),
  );
  assert.equal(code, 0);
  assert.match(stderr, trying);
  assert.equal(resets, 4);
  assertAll(deduped.seqs, 15_000);
});

test('a receiver that never answers: --request-timeout, then a retry', async (t) => {
  const deduped = new Deduped();
  const receiver = await Receiver.start(t, (got, response, nth) => {
    deduped.take(got);
    if (nth > 0) response.end();
  });
  const { stderr, code } = await shell(`sink-http --request-timeout 300ms ${receiver.url}`, folder(t), numbered(1, 10));
  assert.match(stderr, /: no response in time; trying again\n.*working again\n$/);
  assert.equal(code, 0);
  assert.ok(receiver.got.length > 1);
  assert.equal(new Set(receiver.got.map(({ key }) => key)).size, 1);
  assertAll(deduped.seqs, 10);
});

test('waits for Retry-After', async (t) => {
  const times: number[] = [];
  const receiver = await Receiver.start(t, (_, response, nth) => {
    times.push(performance.now());
    response.writeHead(nth === 0 ? 429 : 200, nth === 0 ? { 'retry-after': '1' } : {}).end();
  });
  assert.equal((await shell(`sink-http ${receiver.url}`, folder(t), numbered(1, 1))).code, 0);
  assert.ok((times[1] as number) - (times[0] as number) >= 990, 'not before'); // it does not matter how much later
});

test('a server that comes back on the same port while input continues: bounded memory, nothing missing', async (t) => {
  const deduped = new Deduped();
  const receiver = await Receiver.start(t, (got, response) => {
    deduped.take(got);
    response.end();
  });
  const line = `seq -f '${format}' 60000 | sink-http --batch-lines 500 --connections 2 ${receiver.url}`;
  const { ended } = start(t, ['bash', '-o', 'pipefail', '-c', line], folder(t));
  for (let round = 1; round <= 3; round++) {
    const enough = deduped.batches.size + 10;
    await until(`batches in round ${round}`, () => deduped.batches.size >= enough);
    await receiver.down();
    await new Promise((resolve) => setTimeout(resolve, 50));
    await receiver.up();
  }
  const { code, stderr } = await ended;
  assert.match(stderr, trying);
  assert.equal(code, 0);
  assertAll(deduped.seqs, 60_000);
});

/** Starts a sink-http whose stdin is a FIFO that this test feeds. */
function fed(t: TestContext, dir: string, options: string) {
  execFileSync('mkfifo', [join(dir, 'in')]);
  const running = start(t, ['bash', '-c', `exec sink-http ${options} < in`], dir);
  const feeder = start(t, ['bash', '-c', 'exec cat > in'], dir);
  return { ...running, stdin: feeder.child.stdin as NodeJS.WritableStream };
}

test('kill -9 at random points, with a spool: what was read is delivered after a restart, with the same keys', async (t) => {
  const dir = folder(t);
  const deduped = new Deduped();
  const receiver = await Receiver.start(t, (got, response, nth) => {
    if (nth % 3 === 0) return void response.writeHead(503).end();
    deduped.take(got);
    if (nth % 3 === 1) response.end();
    else response.socket?.destroy(); // stored, but the sender does not learn it
  });
  const options = `--spool spool --batch-lines 100 ${receiver.url}`;
  let sent = 0;
  for (let round = 1; round <= 8; round++) {
    const line = `seq -f '${format}' ${sent + 1} ${sent + 50_000} | sink-http ${options}`;
    const { child, ended } = start(t, ['bash', '-c', line], dir);
    const enough = deduped.batches.size + 1 + Math.floor(Math.random() * 20);
    await until(`batches in round ${round}`, () => deduped.batches.size >= enough);
    killGroup(child);
    await ended;
    const spooled = readdirSync(join(dir, 'spool')).filter((name) => name !== 'lock');
    const seen = spooled.flatMap((name) =>
      [...readFileSync(join(dir, 'spool', name), 'latin1').matchAll(/"seq":(\d+),[^\n]*\n/g)].map(([, seq]) =>
        Number(seq),
      ),
    );
    sent = [sent, ...seen, ...deduped.seqs.slice(-1)].reduce((most, seq) => Math.max(most, seq));
  }
  receiver.behaviour = (got, response) => {
    deduped.take(got);
    response.end();
  };
  const last = await shell(`sink-http ${options}`, dir, numbered(sent + 1, sent + 5));
  assert.deepEqual([last.stdout, last.code], ['', 0]);
  assertAll(deduped.seqs, sent + 5);
  assert.equal(deduped.changed, 0);
  assert.deepEqual(
    readdirSync(join(dir, 'spool')).filter((name) => !name.endsWith('.torn')),
    [],
  );
});

test('SIGTERM during an outage, with a spool: exits with 0, and the next run delivers', async (t) => {
  const dir = folder(t);
  const deduped = new Deduped();
  const receiver = await Receiver.start(t);
  await receiver.down();
  const { child, ended, stdin } = fed(t, dir, `--spool spool ${receiver.url}`);
  stdin.write(numbered(1, 500));
  await until('the spool to hold them', () => spooledLines(dir) === 500);
  child.kill('SIGTERM');
  const { code, signal, stderr } = await ended;
  assert.match(stderr, /not everything was delivered; the rest stays in the spool\n$/);
  assert.deepEqual({ code, signal }, { code: 0, signal: null });
  receiver.behaviour = (got, response) => {
    deduped.take(got);
    response.end();
  };
  await receiver.up();
  assert.deepEqual(await shell(`sink-http --spool spool ${receiver.url}`, dir), { stdout: '', stderr: '', code: 0 });
  assertAll(deduped.seqs, 500);
});

test('SIGTERM during an outage, without a spool: retries for --timeout, then exits with 1 and the count', async (t) => {
  const receiver = await Receiver.start(t);
  await receiver.down();
  const { child, ended, stdin } = fed(t, folder(t), `--timeout 2s ${receiver.url}`);
  stdin.write(numbered(1, 500));
  let said = '';
  child.stderr?.on('data', (text) => {
    said += text;
  });
  await until('it to try', () => said.includes('trying again'));
  child.kill('SIGTERM');
  const { code, signal, stderr } = await ended;
  assert.match(stderr, /sink-http: 500 lines not delivered to http:\/\/127.0.0.1:\d+\/: ECONNREFUSED; see --spool\n$/);
  assert.deepEqual({ code, signal }, { code: 1, signal: null });
});

test('SIGTERM without an outage: delivers what was read, and exits with 0', async (t) => {
  const deduped = new Deduped();
  const receiver = await Receiver.start(t, (got, response) => {
    deduped.take(got);
    response.end();
  });
  const { child, ended, stdin } = fed(t, folder(t), `--batch-time 60s --status ${receiver.url}`);
  await new Promise((started) => child.stdout?.once('data', started)); // its `status` event
  const before = readsOf(child.pid);
  stdin.write(numbered(1, 500));
  await until('it to have read', () => readsOf(child.pid) >= before + numbered(1, 500).length);
  child.kill('SIGTERM');
  assert.deepEqual(await ended, { code: 0, signal: null, stderr: '' });
  assertAll(deduped.seqs, 500);
});

test('a full spool stops reading input, and nothing is missing in the end', async (t) => {
  const dir = folder(t);
  const deduped = new Deduped();
  const receiver = await Receiver.start(t, (got, response) => {
    deduped.take(got);
    response.end();
  });
  await receiver.down();
  const line = `seq -f '${format}' 20000 | sink-http --spool spool --spool-size 1M --batch-bytes 100K ${receiver.url}`;
  const { ended } = start(t, ['bash', '-o', 'pipefail', '-c', line], dir);
  await until('the spool to be full', () => spoolBytes(dir) >= 1 << 20);
  assert.ok(spoolBytes(dir) < 1.2 * 2 ** 20);
  await receiver.up();
  assert.equal((await ended).code, 0);
  assertAll(deduped.seqs, 20_000);
});

test('a spool in use by another process is refused until that process exits', async (t) => {
  const dir = folder(t);
  const receiver = await Receiver.start(t);
  const { child } = fed(t, dir, `--spool spool ${receiver.url}`);
  await until('the first to have it', () => readdirSafe(join(dir, 'spool')).includes('lock'));
  const second = await shell(`sink-http --spool spool ${receiver.url}`, dir);
  const stderr =
    'sink-http: cannot use the spool spool: in use by another process; use a different one for each process\n';
  assert.deepEqual(second, { stdout: '', stderr, code: 1 });
  child.kill('SIGKILL');
  assert.equal((await shell(`sink-http --spool spool ${receiver.url}`, dir)).code, 0);
});

function readdirSafe(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

const spooled = (dir: string): Buffer =>
  Buffer.concat(
    readdirSafe(join(dir, 'spool'))
      .filter((name) => /ndjson$|open$/.test(name))
      .map((name) => {
        try {
          return readFileSync(join(dir, 'spool', name));
        } catch {
          return Buffer.alloc(0); // it has just been renamed
        }
      }),
  );
const spooledLines = (dir: string): number => spooled(dir).toString().split('\n').length - 1;
const spoolBytes = (dir: string): number => spooled(dir).length;
const readsOf = (pid: number | undefined): number => proc(pid, 'io', 'rchar');
