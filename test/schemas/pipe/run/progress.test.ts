import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { InputStats } from '../../../../schemas/pipe/io/input-stats.js';
import { statusLine } from '../../../../schemas/pipe/run/progress/status-line.js';
import { connect, ndjson } from '../../../support/events.js';
import { folder } from '../../../support/process.js';
import { Terminal } from '../../../support/terminal.js';

const lost = (count: number) => ({ type: 'lost', v: 1, stage: 'collector', where: 'ring buffer', count });

/** A command whose stderr is a terminal of 100 columns and whose stdout is a file. */
const onStderr = (t: Parameters<typeof folder>[0], line: string) =>
  new Terminal(t, ['sh', '-c', `exec ${line}`], 100, 6);

test('the line shows what is known, within the width', () => {
  const shown = { name: 'filter', events: 1_234_567, perSecond: 81_234.4, lost: 0, done: 0.349 };
  assert.equal(statusLine(shown, 80, false), 'filter: 34 %, 1,234,567 events, 81,234/s, 0 lost');
  assert.equal(statusLine(shown, 20, false), 'filter: 34 %, 1,234,');
  const live = { name: 'sink-web', events: 1, perSecond: 0.25, lost: 1017, behind: 0.31 };
  assert.equal(statusLine(live, 80, false), 'sink-web: 1 event, 0.3/s, 1,017 lost, 0.3 s behind');
  assert.equal(statusLine(live, 80, true), 'sink-web: 1 event, 0.3/s, \x1b[1;31m1,017 lost\x1b[m, 0.3 s behind');
  for (const [behind, text] of [
    [-2, '0.0 s'],
    [59, '59 s'],
    [121, '2 min'],
    [7_300, '2 h'],
    [300_000, '3 d'],
  ] as const)
    assert.ok(statusLine({ ...live, behind }, 80, false).endsWith(`, ${text} behind`), text);
});

test('bytes, losses and the newest time are counted, wherever pieces are cut', () => {
  const event = fc.oneof(
    fc.integer({ min: 0, max: 9 }).map((s) => connect({ ts: `2026-11-23T08:15:3${s}.123456Z` })),
    fc.integer({ min: 1, max: 1e9 }).map(lost),
    fc.constant({ x: '{"type":"lost","count":5}', type: 'other' }),
  );
  fc.assert(
    fc.property(
      fc.array(event, { minLength: 1 }),
      fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }),
      (events, lengths) => {
        const bytes = Buffer.from(ndjson(...events));
        const seen = new InputStats();
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const length = lengths[i % lengths.length] as number;
          seen.add(bytes.subarray(at, at + length));
          at += length;
        }
        const sum = events.reduce(
          (all, one) => all + (one.type === 'lost' && 'count' in one ? Number(one.count) : 0),
          0,
        );
        const last = events.findLast((one) => 'ts' in one) as { ts: string } | undefined;
        assert.deepEqual(
          { read: seen.read, lost: seen.lost, newest: seen.newest },
          { read: bytes.length, lost: sum, newest: last && Date.parse(last.ts) },
        );
      },
    ),
  );
});

test('a file shows its progress, and the line disappears at the end', async (t) => {
  const dir = folder(t);
  const at = (s: number) => `2026-11-23T08:15:3${s}.000000Z`;
  writeFileSync(
    join(dir, 'slow.ndjson'),
    ndjson(connect({ ts: at(0) }), connect({ ts: at(0) }), connect({ ts: at(4) })),
  );
  const terminal = onStderr(t, `replay '${dir}/slow.ndjson' 2>&1 >'${dir}/out'`);
  await terminal.shows('two of three', ([line]) => /^replay: 66 %, 2 events, \d\.\d\/s, 0 lost$/.test(line ?? ''));
  assert.equal(await terminal.ended, 0);
  assert.deepEqual(terminal.lines, []);
  assert.equal(readFileSync(join(dir, 'out'), 'utf8').split('\n').length, 4);
});

test('a pipe shows progress only with --progress, with losses in red and messages above the line', async (t) => {
  const dir = folder(t);
  const [terminal, without] = [`--progress`, ''].map((option) =>
    onStderr(t, `filter ${option} --on-invalid report 2>&1 >'${dir}/out${option}'`),
  ) as [Terminal, Terminal];
  for (const one of [terminal, without]) one.input(ndjson(connect(), lost(1017)));
  const pattern = /^filter: 2 events, \d\.\d\/s, 1,017 lost, \d+ \w+ behind$/;
  await terminal.shows('the line', ([line]) => pattern.test(line ?? ''));
  assert.ok(terminal.written.includes('\x1b[1;31m1,017 lost\x1b[m'));
  for (const one of [terminal, without]) one.input('{"type":7}\n');
  await terminal.shows(
    'the message and the line',
    ([first, second]) => first === 'filter: line 3: /type must be string' && /1,018 lost/.test(second ?? ''),
  );
  for (const one of [terminal, without]) one.end();
  assert.equal(await terminal.ended, 1);
  assert.equal(await without.ended, 1);
  assert.deepEqual(terminal.lines, ['filter: line 3: /type must be string', 'filter: 1 of 3 lines invalid']);
  assert.equal(without.written, 'filter: line 3: /type must be string\r\nfilter: 1 of 3 lines invalid\r\n');
});

test('NO_COLOR is honoured; a dumb terminal gets no line', async (t) => {
  const dir = folder(t);
  const plain = onStderr(t, `env NO_COLOR=1 filter --progress 2>&1 >'${dir}/a'`);
  const dumb = onStderr(t, `env TERM=dumb filter --progress 2>&1 >'${dir}/b'`);
  for (const one of [plain, dumb]) one.input(ndjson(lost(5)));
  await plain.shows('the line', ([line]) => /5 lost/.test(line ?? ''));
  assert.ok(!plain.written.includes('\x1b[1;31m'));
  for (const one of [plain, dumb]) one.end();
  assert.equal(await plain.ended, 0);
  assert.equal(await dumb.ended, 0);
  assert.equal(dumb.written, '');
});

test('if the events themselves go to the terminal, no progress line appears between them', async (t) => {
  const terminal = new Terminal(t, ['sh', '-c', 'exec filter --progress 2>&1'], 300, 6);
  terminal.input(ndjson(connect()));
  await terminal.shows('the event', ([line]) => line === JSON.stringify(connect()));
  // the line of another command, on the same kind of terminal, shows that this one would have been drawn by now
  const other = onStderr(t, 'filter --progress 2>&1 >/dev/null');
  other.input(ndjson(connect()));
  await other.shows('a line', ([line]) => /1 event/.test(line ?? ''));
  terminal.end();
  assert.equal(await terminal.ended, 0);
  assert.equal(terminal.written, `${JSON.stringify(connect())}\r\n`);
});

test('synpipe run shows one line for all of its stages', async (t) => {
  const dir = folder(t);
  const terminal = onStderr(t, `synpipe run 'filter --dport 443 --progress | sink-file ${dir}/out' 2>&1 >/dev/null`);
  terminal.input(ndjson(connect(), connect({ dport: 80 })));
  await terminal.shows('the line', ([line]) => /^filter: 2 events/.test(line ?? ''));
  terminal.end();
  assert.equal(await terminal.ended, 0);
  assert.deepEqual(terminal.lines, []);
  assert.equal(readFileSync(join(dir, 'out'), 'utf8'), ndjson(connect()));
});
