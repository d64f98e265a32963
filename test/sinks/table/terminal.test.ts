import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { connect, ndjson } from '../../support/events.js';
import { root, shell } from '../../support/shell.js';
import { Terminal } from '../../support/terminal.js';

const table = ['sink-table', '--utc'];

/** An outcome whose call began at this second of 2026-11-23T08:15. */
const outcome = (second: number, more: object = {}) => ({
  ...connect({ id: String(second), pcomm: 'curl', exe: '/usr/bin/curl', uid: 1000, saddr: '192.0.2.10', sport: 40001 }),
  type: 'outcome',
  start: `2026-11-23T08:15:${String(second).padStart(2, '0')}.000000Z`,
  ts: `2026-11-23T08:15:${String(second).padStart(2, '0')}.001200Z`,
  result: 'established',
  latency_us: 1_200,
  ...more,
});
const refused = {
  ...{ result: 'refused', errno: 111, error: 'ECONNREFUSED', icmp: 'port-unreachable', icmp_from: '192.0.2.1' },
  ...{ name: 'my-bucket.s3.eu-central-1.amazonaws.example', dport: 5432, latency_us: 53 },
};
const events = ndjson(outcome(30), outcome(31, refused));

/** Waits until the screen shows as many lines. */
const count = (terminal: Terminal, lines: number) =>
  terminal.shows(`${lines} lines`, (shown) => shown.length === lines);

/** Shows the events on a terminal of this size. */
async function show(t: TestContext, columns: number, rows: number, command = table) {
  const terminal = new Terminal(t, command, columns, rows);
  terminal.input(events);
  terminal.end();
  assert.equal(await terminal.ended, 0);
  return terminal;
}

test('80 columns show time, process, PID, destination, port, latency and result', async (t) => {
  const terminal = await show(t, 80, 24);
  assert.deepEqual(terminal.lines, [
    'TIME     PID     PROCESS     DEST                DPORT   LATENCY RESULT',
    '-- 2026-11-23 --',
    '08:15:30 1234    curl        192.0.2.1           443      1.2 ms established',
    'TIME     PID     PROCESS DEST            DPORT   LATENCY RESULT', // once more: the reason needs the room
    '08:15:31 1234    curl    my-buck…example 5432      53 µs refused (192.0.2.1: po…',
  ]);
});

test('200 columns also show the user, the program and the source, and the whole result', async (t) => {
  const terminal = await show(t, 200, 50);
  assert.deepEqual(
    terminal.lines.map((line) => line.replace(/ +/g, ' ')),
    [
      'TIME PID PROCESS USER EXE SOURCE DEST DPORT LATENCY RESULT',
      '-- 2026-11-23 --',
      '08:15:30 1234 curl 1000 /usr/bin/curl 192.0.2.10:40001 192.0.2.1 443 1.2 ms established',
      '08:15:31 1234 curl 1000 /usr/bin/curl 192.0.2.10:40001 my-bucket.s3.eu-cen…1.amazonaws.example 5432 53 µs refused (192.0.2.1: port-unreachable)',
    ],
  );
});

test('120 columns show a whole reason, and the destination in what is left', async (t) => {
  const terminal = await show(t, 120, 24);
  assert.deepEqual(terminal.lines.slice(3), [
    'TIME     PID     PROCESS DEST                                   DPORT   LATENCY RESULT',
    '08:15:31 1234    curl    my-bucket.s3.eu-cen….amazonaws.example 5432      53 µs refused (192.0.2.1: port-unreachable)',
  ]);
});

test('a reason takes only room that other columns do not need, then that above their minimum; a late one moves them once', async (t) => {
  const terminal = new Terminal(t, table, 80, 24);
  const short = { ...refused, name: undefined, daddr: '10.0.0.7' };
  terminal.input(
    ndjson(outcome(30), outcome(31, short), outcome(32, { ...short, icmp_from: '10.0.0.1' }), outcome(33)),
  );
  terminal.end();
  await terminal.ended;
  assert.deepEqual(terminal.lines.slice(2), [
    '08:15:30 1234    curl        192.0.2.1           443      1.2 ms established',
    'TIME     PID     PROCESS DEST      DPORT   LATENCY RESULT',
    '08:15:31 1234    curl    10.0.0.7  5432      53 µs refused (192.0.2.1: port-unr…',
    '08:15:32 1234    curl    10.0.0.7  5432      53 µs refused (10.0.0.1: port-unre…',
    '08:15:33 1234    curl    192.0.2.1 443      1.2 ms established',
  ]);
});

test('40 columns keep the destination, the port and the result', async (t) => {
  const terminal = await show(t, 40, 12);
  assert.deepEqual(terminal.lines, [
    'DEST                DPORT RESULT',
    '-- 2026-11-23 --',
    '192.0.2.1           443   established',
    'DEST            DPORT RESULT',
    'my-buck…example 5432  refused (192.0.2.…',
  ]);
});

test('colours failures and pending attempts, unless NO_COLOR is set', async (t) => {
  const coloured = await show(t, 80, 24);
  assert.ok(coloured.written.includes('\x1b[31mrefused'));
  assert.ok(!coloured.written.includes('mestablished'));
  const plain = await show(t, 80, 24, ['env', 'NO_COLOR=1', ...table]);
  assert.ok(!plain.written.includes('\x1b'));
  assert.deepEqual(plain.lines, coloured.lines);
});

test('follows the width of the terminal', async (t) => {
  const terminal = new Terminal(t, table, 80, 24);
  terminal.input(ndjson(outcome(30)));
  await count(terminal, 3);
  terminal.resize(60, 24);
  const more = setInterval(() => terminal.input(ndjson(outcome(31, refused))), 50); // until the new size is known
  t.after(() => clearInterval(more));
  const narrow = 'TIME     PROCESS DEST            DPORT RESULT';
  await terminal.shows('the new heading', (lines) => lines.includes(narrow));
  clearInterval(more);
  const narrowRow = '08:15:31 curl    my-buck…example 5432  refused (192.0.2.1: …';
  terminal.end();
  assert.equal(await terminal.ended, 0);
  assert.equal(terminal.lines[terminal.lines.indexOf(narrow) + 1], narrowRow);
});

test('the date is shown only if it is not today, once', async (t) => {
  const now = new Date();
  const moved = readFileSync(`${root}collector/replay/sample.ndjson`, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{"type":"outcome"'))
    .slice(0, 3)
    .join('\n')
    .replaceAll(/2026-11-\d\dT[\d:]{8}/g, now.toISOString().slice(0, 19));
  const terminal = new Terminal(t, table, 80, 24);
  terminal.input(`${moved}\n${events}${moved}\n`);
  terminal.end();
  await terminal.ended;
  const dates = terminal.lines.filter((line) => line.startsWith('--'));
  assert.deepEqual(dates, ['-- 2026-11-23 --', `-- ${now.toISOString().slice(0, 10)} --`]);
  assert.equal(terminal.lines.length, 1 + 3 + 1 + 2 + 1 + 1 + 3, 'with a heading above the reason');
  const { stdout } = await shell('sink-table --utc', '/', `${moved}\n`);
  assert.equal(stdout.split('\n')[1]?.slice(0, 10), now.toISOString().slice(0, 10), 'a file has all dates');
});

test('--wide and --columns', async (t) => {
  const wide = await show(t, 80, 24, [...table, '--wide']);
  assert.ok(
    wide.lines.join('').includes('/usr/bin/curl                  192.0.2.10:40001      my-bucket'),
    wide.lines.join('\n'),
  );
  const own = await show(t, 30, 24, [...table, '--columns', 'time,latency,dest,dport']);
  assert.deepEqual(own.lines, [
    'TIME    LATENCY DEST     DPORT',
    '-- 2026-11-23 --',
    '08:…:30  1.2 ms 192.…2.1 443',
    '08:…:31   53 µs my-b…ple 5432',
  ]);
});

test('Ctrl-C prints one summary, over the ^C', async (t) => {
  const terminal = new Terminal(t, ['bash', '-c', 'trap : INT; cat | sink-table --utc'], 80, 24);
  terminal.input(events);
  await count(terminal, 5);
  terminal.type('\x03');
  assert.equal(await terminal.ended, 0);
  assert.equal(
    terminal.lines.slice(5).join('\n'),
    '2 attempts in 1.00 s, 1 failed (refused by my-bucket.s3.eu-central-1.amazonaws.e\nxample:5432)',
  );
});
