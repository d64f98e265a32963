import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, ndjson } from '../../support/events.js';
import { shell } from '../../support/shell.js';
import { Terminal } from '../../support/terminal.js';
import { command, summary } from './summary.js';

const cells = (name: string, count: number | string) => `${name.padEnd(30)} ${String(count).padStart(7)}`;

test('shows the newest window in place, the largest group first', async (t) => {
  const terminal = new Terminal(t, command);
  await terminal.shows(
    'that it runs',
    ([first]) => first === 'waiting for summaries (aggregate --every 10s produces them)',
  );
  terminal.input(
    ndjson(summary(0, 'few', 2), summary(0, 'many', 40), {
      ...summary(0, 'x', 3, { other: true, lost: 7 }),
      name: undefined,
    }),
  );
  await terminal.shows('the table', (lines) => lines.length === 5);
  assert.deepEqual(terminal.lines, [
    '2026-11-23 08:00:00 to 08:01:00, 2 groups, 45 attempts, 7 LOST',
    cells('NAME', 'COUNT'),
    cells('many', 40),
    cells('few', 2),
    `${cells('(other)', 3)} -- 7 lost --`,
  ]);
  terminal.input(
    ndjson(summary(1, 'new', 1, { failed: 1, failed_ratio: 1, result_refused: 1 }), summary(0, 'late', 9)),
  );
  await terminal.shows('the next window', (lines) => lines.length === 3);
  assert.deepEqual(terminal.lines, [
    '2026-11-23 08:01:00 to 08:02:00, 1 group, 1 attempt, 7 LOST',
    `${cells('NAME', 'COUNT')}  FAILED FAILED%`,
    `${cells('new', 1)}       1   100.0 refused 1`,
  ]);
  terminal.end();
  assert.equal(await terminal.ended, 0);
  assert.equal(terminal.lines.length, 3, 'the last table stays');
  assert.deepEqual(terminal.cursor, { row: 3, column: 0, shown: true, wraps: true });
});

test('groups that only wait count among the largest; the columns do not depend on which group comes first', async (t) => {
  const terminal = new Terminal(t, command);
  terminal.input(
    ndjson(summary(0, 'fine', 2, { failed: 0, failed_ratio: 0 }), summary(0, 'hangs', 0, { pending: 3 }), {
      type: 'lost',
      v: 1,
      stage: 'collector',
      where: 'update',
      count: 7,
    }),
  );
  await terminal.shows('the table', (lines) => lines.length === 4);
  assert.deepEqual(terminal.lines, [
    '2026-11-23 08:00:00 to 08:01:00, 2 groups, 2 attempts, 3 pending',
    `${cells('NAME', 'COUNT')} PENDING  FAILED FAILED%`,
    `${cells('hangs', 0)}       3       -       -`,
    `${cells('fine', 2)}       -       0     0.0`,
  ]);
  terminal.end();
  await terminal.ended;
});

test('a terminal of unknown size is treated as 80 columns and 24 lines', async (t) => {
  const terminal = new Terminal(t, ['sh', '-c', `stty columns 0 rows 0 <&1; exec ${command.join(' ')}`]);
  terminal.input(ndjson(summary(0, 'curl', 1)));
  await terminal.shows('the table', (lines) => lines.at(-1) === cells('curl', 1));
  terminal.end();
  await terminal.ended;
});

test('what was on the screen moves into the history', async (t) => {
  const terminal = new Terminal(t, command, 80, 6);
  terminal.before('$ one\r\n$ two\r\n');
  terminal.input(ndjson(summary(0, 'curl', 1)));
  await terminal.shows('the table', (lines) => lines.length === 3);
  assert.deepEqual(terminal.history.slice(0, 2), ['$ one', '$ two']);
  terminal.end();
  await terminal.ended;
});

test('more groups than lines, longer lines than columns, and a change of size', async (t) => {
  const terminal = new Terminal(t, command, 40, 8);
  const wide = 'ｗｉｄｅ'; // two columns per letter
  const many = Array.from({ length: 3_000 }, (_, i) => summary(0, `group ${i}`, i + 1));
  terminal.input(ndjson(...many, summary(0, `${wide}${'x'.repeat(80)}`, 9_000)));
  const whole = '2026-11-23 08:00:00 to 08:01:00, 3,001 g'; // it arrives in several parts
  await terminal.shows('the table', ([head, ...rows]) => head === whole && rows.length === 6);
  assert.deepEqual(terminal.lines.slice(0, 2), [whole, `${'NAME'.padEnd(32)}   COUNT`]);
  assert.equal(terminal.lines[2], `${wide}${'x'.repeat(8)}…${'x'.repeat(15)}    9000`, 'shortened in the middle');
  assert.deepEqual(
    terminal.lines.slice(3),
    [2999, 2998, 2997, 2996].map((i) => `${`group ${i}`.padEnd(32)} ${String(i + 1).padStart(7)}`),
  );
  const drawn = ([first = '', second = '']: string[]) => first.startsWith('2026-11-23') && second.startsWith('NAME');
  terminal.resize(150, 5);
  await terminal.shows('four lines', (lines) => lines.length === 4 && drawn(lines));
  assert.match(terminal.lines[0] as string, /^2026-11-23 08:00:00 to 08:01:00, 3,001 groups, 4,510,500 attempts$/);
  assert.equal(terminal.lines[3]?.replace(/ +/g, ' '), 'group 2999 3000');
  terminal.resize(150, 12);
  await terminal.shows('eleven lines', (lines) => lines.length === 11 && drawn(lines));
  terminal.resize(20, 3);
  await terminal.shows('two lines', (lines) => lines.length === 2 && drawn(lines));
  terminal.end();
  assert.equal(await terminal.ended, 0);
});

const outcomes = { failed: 31, failed_ratio: 0.62, result_refused: 22, result_timeout: 9 };
const numbers = { latency_p50_us: 53, latency_p90_us: 1_200, latency_p99_us: 1_031_220, latency_max_us: 7_140_000 };
const times = { first: '2026-11-23T08:00:01.000000Z', last: '2026-11-23T08:00:59.000000Z', rate: 0.8, distinct_pid: 4 };

test('causes of failures stay when the terminal is narrow; numbers that matter less are left out', async (t) => {
  const terminal = new Terminal(t, command, 200, 12);
  terminal.input(ndjson(summary(0, 'api.example.com', 50, { ...outcomes, ...numbers, ...times })));
  const row = () => terminal.lines[2]?.replace(/ +/g, ' ');
  const heading = () => terminal.lines[1]?.replace(/ +/g, ' ');
  const shows = (titles: string) => terminal.shows(titles, () => heading() === titles);
  await shows('NAME COUNT FAILED FAILED% P50 P90 P99 MAX PER S FIRST LAST PIDS');
  assert.equal(
    row(),
    'api.example.com 50 31 62.0 53 µs 1.2 ms 1.03 s 7.14 s 0.8 08:00:01 08:00:59 4 refused 22, timeout 9',
  );
  terminal.resize(100, 12);
  await shows('NAME COUNT FAILED FAILED% P50 P90 P99 PER S PIDS');
  terminal.resize(80, 12);
  await shows('NAME COUNT FAILED FAILED% P50 P99 PIDS');
  assert.equal(row(), 'api.e….com 50 31 62.0 53 µs 1.03 s 4 refused 22, timeout 9');
  terminal.resize(50, 12);
  await shows('NAME COUNT FAILED');
  assert.equal(row(), 'api.ex…e.com 50 31 refused 22, timeout 9');
  terminal.end();
  await terminal.ended;
});

test('summaries of look-ups have their own table below, and keep half of a small terminal', async (t) => {
  const terminal = new Terminal(t, command, 80, 12);
  const dns = (minute: number, name: string, count: number, more: object = {}) =>
    summary(minute, name, count, { events: 'dns', ...more });
  terminal.input(ndjson(dns(0, 'a.example', 5), summary(0, 'curl', 2), dns(0, 'b.example', 7, { lost: 3 })));
  await terminal.shows('both tables', (lines) => lines.length === 7);
  assert.deepEqual(terminal.lines, [
    '2026-11-23 08:00:00 to 08:01:00, 1 group, 2 attempts, 3 LOST',
    cells('NAME', 'COUNT'),
    cells('curl', 2),
    '2026-11-23 08:00:00 to 08:01:00, 2 groups, 12 look-ups',
    cells('NAME', 'COUNT'),
    `${cells('b.example', 7)} -- 3 lost --`,
    cells('a.example', 5),
  ]);
  const many = (kind: typeof dns | typeof summary) =>
    Array.from({ length: 20 }, (_, i) => kind(1, `${kind.name} ${i}`, 100 - i));
  terminal.input(ndjson(...many(dns), ...many(summary)));
  await terminal.shows('the next window', ([, , first = '']) => first.startsWith('summary 0'));
  assert.deepEqual(
    terminal.lines.map((line) => line.slice(0, 9).trim()),
    ['2026-11-2', 'NAME', ...[0, 1, 2, 3].map((i) => `summary ${i}`), '2026-11-2', 'NAME', 'dns 0', 'dns 1', 'dns 2'],
  );
  terminal.end();
  await terminal.ended;
});

test("a process's name cannot control the terminal", async (t) => {
  const terminal = new Terminal(t, command);
  terminal.input(ndjson(summary(0, '\x1b[2J\x1b[31mred\x07\x9b5A\u202e', 1)));
  await terminal.shows('the name', (lines) => lines.length === 3);
  assert.equal(terminal.lines[2], '\\x1b[2J\\x1b[31mred\\x07\\x9b5A\\u{202e}       1');
  terminal.end();
  await terminal.ended;
});

test('prints plain lines if standard output is not a terminal', async () => {
  const input = ndjson(summary(0, 'curl', 1), connect());
  const [live, plain] = await Promise.all(['--live', ''].map((more) => shell(`sink-table ${more}`, '/', input)));
  assert.deepEqual(live, plain);
  assert.match(plain?.stdout ?? '', /^TIME {16}NAME {29}COUNT\n/);
});
