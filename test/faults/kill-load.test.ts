import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { format } from '../support/lines.js';
import { folder, killGroup, start, until } from '../support/process.js';
import { Receiver } from '../support/receiver.js';
import { shell } from '../support/shell.js';

/** How often it is killed. SYNPIPE_KILLS=100 sets another number. */
const rounds = Number(process.env.SYNPIPE_KILLS ?? 15);
/** The length of a line in bytes. */
const bytesOf = (seq: number) => format.replace('%.0f', String(seq)).length + 1;

const capacity = (fd: number) =>
  Number(
    execFileSync('python3', ['-c', 'import fcntl; print(fcntl.fcntl(0, 1032))'], { stdio: [fd, 'pipe', 'inherit'] }),
  );

/**
 * The test keeps the pipe open, so what is in it when its reader is killed is there for the next reader. Whatever is missing
 * in the end was read and not spooled: at most one read per kill, which cannot be more than the pipe holds.
 */
test('kill -9 under load, with a spool: at most one read is missing per kill', async (t) => {
  const dir = folder(t);
  const keys = new Set<string>();
  const times = new Uint8Array(1 << 28); // how often each event was delivered, by seq: there are millions
  let [delivered, last] = [0, 0];
  let newest = 0; // of what was delivered or spooled
  const take = (text: string) => {
    for (const [, seq] of text.matchAll(/"seq":(\d+),[^\n]*\n/g)) newest = Math.max(newest, Number(seq));
  };
  const receiver = await Receiver.start(t, ({ key, body }, response) => {
    if (!keys.has(key))
      for (const [, text] of body.matchAll(/"seq":(\d+),/g)) {
        const seq = Number(text);
        (times[seq] as number)++;
        delivered++;
        last = Math.max(last, seq);
      }
    keys.add(key);
    take(body);
    receiver.got.length = 0; // it would hold gigabytes
    response.end();
  });
  execFileSync('mkfifo', [join(dir, 'in')]);
  const pipe = openSync(join(dir, 'in'), constants.O_RDWR);
  const feeder = start(t, ['bash', '-c', `exec seq -f '${format}' 1000000000 > in`], dir);
  const sink = `exec sink-http --on-invalid drop --spool spool ${receiver.url}`; // a kill may cut a line in two
  let killed = 0;
  for (let round = 1; round <= rounds; round++) {
    const { child, ended } = start(t, ['bash', '-c', `${sink} < in`], dir);
    const before = newest;
    await until(`new events in round ${round}`, () => newest > before); // so that no gap comes from two kills
    await sleep(Math.random() * 50);
    killGroup(child);
    if ((await ended).signal === 'SIGKILL') killed++;
    for (const name of readdirSync(join(dir, 'spool'))) take(readFileSync(join(dir, 'spool', name), 'latin1'));
  }
  const most = capacity(pipe);
  feeder.child.kill('SIGKILL');
  await feeder.ended;
  const left = openSync(join(dir, 'in'), constants.O_RDONLY);
  closeSync(pipe); // so that the input ends
  const rest = start(t, ['bash', '-c', sink], dir, [left, 'pipe', 'pipe']);
  closeSync(left);
  assert.equal((await rest.ended).code, 0);
  assert.equal((await shell(`sink-http --spool spool ${receiver.url}`, dir)).code, 0);
  assert.deepEqual(
    readdirSync(join(dir, 'spool')).filter((name) => !name.endsWith('.torn')),
    [],
  );
  assert.ok(last < times.length);
  assert.equal(
    times.findIndex((number) => number > 1),
    -1,
    'each once',
  );
  const gaps: number[] = []; // bytes
  for (let seq = 1, gap = 0; seq <= last; seq++) {
    if (times[seq] === 0) {
      gap += bytesOf(seq);
    } else if (gap > 0) {
      gaps.push(gap);
      gap = 0;
    }
  }
  const largest = Math.max(0, ...gaps);
  t.diagnostic(
    `${killed} kills, ${delivered} events delivered; missing at a kill: ${largest} bytes at most, of a pipe of ${most}`,
  );
  assert.equal(killed, rounds);
  assert.ok(gaps.length <= rounds);
  const cut = 2 * bytesOf(last); // the lines cut at both ends of a read
  assert.ok(largest <= most + cut, `${largest} bytes are more than one read of ${most}`);
});
