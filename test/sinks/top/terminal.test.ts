import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ndjson } from '../../support/events.js';
import { folder } from '../../support/process.js';
import { root } from '../../support/shell.js';
import { Terminal } from '../../support/terminal.js';
import { nxdomain, outcome, pending, refused } from './shown.js';

const recording = `${root}dist/collector/replay/sample.ndjson`;
/** Keeps stdin open, as a live collector does, and takes part in Ctrl-C as one does. */
const piped = (options = '') => ['bash', '-c', `trap : INT; cat | synpipe top ${options}`];
const events = ndjson(
  refused(0, { daddr: '10.0.0.7', dport: 5432, pcomm: 'node' }),
  refused(1, { daddr: '10.0.0.7', dport: 5432, pcomm: 'node' }),
  outcome(2),
  nxdomain(3, 'nope.example.com'),
  pending(3, 1, { id: '77', dport: 9090 }),
);
const sections = /WAITING: .*FAILING DESTINATIONS: .*PROCESS → DESTINATION: .*FAILED DNS LOOK-UPS: /s;
/** Waits until a whole screen is drawn for which this holds: each drawing ends with the cursor in the second line. */
async function shows(
  terminal: Terminal,
  what: string,
  holds: (lines: string[]) => boolean = () => true,
): Promise<void> {
  await terminal.shows(what, (lines) => {
    const { row, column } = terminal.cursor;
    return row === 1 && column === 0 && sections.test(lines.join('\n')) && holds(lines);
  });
}

test('live events: attempts wait and tick; q ends it, and the summary is on the normal screen', async (t) => {
  const terminal = new Terminal(t, piped(), 80, 24);
  terminal.before('$ before\r\n');
  terminal.input(events);
  await shows(terminal, 'the sections');
  const [head, totals, waiting, first] = terminal.lines;
  assert.match(head as string, /^ synpipe top {2}standard input {2}2026-11-23 08:15:3\d$/);
  assert.match(totals as string, /^ 4 attempts in .* s, .*\/s, 2 failed, 1 pending, 1 look-up \(1 failed\)$/);
  assert.equal(waiting, ' WAITING: 1                           PROCESS          DESTINATION');
  assert.match(first as string, /^ pending \d\.\d s +curl\[1234\] +192\.0\.2\.1:9090$/);
  await shows(terminal, 'that it ticks', (lines) => lines[3] !== first);
  terminal.input(ndjson(outcome(9, { id: '77', dport: 9090, latency_us: 6e6 })));
  await shows(terminal, 'that it has ended', (lines) => lines[2]?.startsWith(' WAITING: none') ?? false);
  await terminal.takesKeys();
  terminal.type('q');
  assert.equal(await terminal.ended, 0);
  assert.deepEqual(terminal.lines, [
    '$ before',
    '4 attempts in 9.00 s, 2 failed (all refused by 10.0.0.7:5432), 1 look-up, 1 of t',
    'hem failed',
  ]);
  assert.deepEqual(terminal.cursor, { row: 3, column: 0, shown: true, wraps: true });
});

test('a recording is shown as a whole, at any size, and follows a resize', async (t) => {
  const terminal = new Terminal(t, ['synpipe', 'top', recording], 80, 24);
  await shows(terminal, 'the end', ([head = '']) => head.includes('(ended)'));
  const [head, totals, ...sections] = terminal.lines;
  assert.match(head as string, /^ synpipe top {2}sample\.ndjson \(ended\) {2}[-\d]+ [:\d]+$/);
  assert.match(totals as string, /^ \d+ attempts in .*, \d+ failed, 0 pending, \d+ look-ups/);
  assert.deepEqual(sections.slice(0, 2), [
    ' WAITING: none                        PROCESS          DESTINATION',
    ' FAILING DESTINATIONS: 5    CAUSE               COUNT       AGO PROCESS',
  ]);
  assert.match(sections[2] as string, /^ queue\.example\.com:5672 {5}refused +\d+ +\d+ s python3$/);
  terminal.resize(200, 50);
  await shows(terminal, 'more columns', (lines) => lines.length === 50);
  const wide = terminal.lines;
  assert.match(wide[3] as string, /^ WAITING: none {24}PROCESS {38}DESTINATION$/);
  assert.match(wide[5] as string, /^ FAILING DESTINATIONS: 5 {37}CAUSE {37}COUNT {7}AGO PROCESS$/);
  assert.match(wide.join('\n'), /\n curl → api\.example\.com:443 +\d\.\d +\d+ +0 +\d+ µs +\d+ µs +/);
  assert.match(wide[49] as string, /^ q quit {2}\? help {2}/);
  terminal.resize(40, 8);
  await terminal.shows('that it is too small', ([line]) => line === 'synpipe top needs 60×10 characters; pres');
  terminal.resize(80, 24);
  await shows(terminal, 'the sections');
  await terminal.takesKeys();
  terminal.type('q');
  assert.equal(await terminal.ended, 0);
});

test('several files, by pattern and compressed, and standard input are one recording', async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, 'out@20261123T081600.000Z.ndjson.gz'), gzipSync(ndjson(refused(0, { dport: 1001 }))));
  writeFileSync(join(dir, 'out.ndjson'), ndjson(refused(1, { dport: 1002 })));
  writeFileSync(join(dir, 'more'), ndjson(refused(2, { dport: 1003 })));
  const terminal = new Terminal(t, ['bash', '-c', `cd ${dir}; synpipe top 'out*' - <more`], 80, 24);
  await shows(terminal, 'the end', ([head = '']) => head.includes('(ended)'));
  const [head, totals, ...rest] = terminal.lines;
  assert.match(head as string, /^ synpipe top {2}2 files \(ended\) {2}2026-11-23 08:15:32$/);
  assert.match(totals as string, /^ 3 attempts in 2\.00 s, .*3 failed/);
  for (const port of [1001, 1002, 1003]) assert.ok(rest.some((line) => line.includes(`192.0.2.1:${port} `)));
  await terminal.takesKeys();
  terminal.type('q');
  assert.equal(await terminal.ended, 0);
});
