import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ready } from '../../../schemas/pipe/terminal/shorten.js';
import { keyTable } from '../../../sinks/top/keys.js';
import { arrange } from '../../../sinks/top/page.js';
import { initialState } from '../../../sinks/top/state.js';
import { closed, drawn, nxdomain, outcome, pending, plain, refused, screen, shown } from './shown.js';

await ready(['日']);

const day = () =>
  shown(
    70,
    pending(58, 8, { id: '1', retransmits: 3, pcomm: 'node', name: 'db.example.com', daddr: '192.0.2.5', dport: 5432 }),
    pending(69, 1, { id: '2', comm: 'ｗｉｄｅ', daddr: '2001:db8::66', family: 6, dport: 9090 }),
    ...Array.from({ length: 31 }, (_, i) => refused(i * 2, { daddr: '10.0.0.7', dport: 5432, pcomm: 'python3' })),
    outcome(40, {
      result: 'denied',
      icmp: 'admin-prohibited',
      icmp_from: '192.0.2.254',
      daddr: '203.0.113.9',
      dport: 22,
    }),
    ...Array.from({ length: 20 }, (_, i) => outcome(50 + i, { name: 'api.example.com', latency_us: 90 + i })),
    outcome(69, {
      name: 'a-very-long-name-that-does-not-fit.internal.example.com',
      dport: 8443,
      latency_us: 1_200_000,
    }),
    nxdomain(65, 'nope.example.com'),
    nxdomain(66, 'nope.example.com', { pcomm: 'python3' }),
  );

test('80×24: waiting attempts first, then failures, who talks to whom, look-ups', () => {
  assert.deepEqual(screen(day(), { columns: 80, rows: 24 }), [
    ' synpipe top  live  2026-11-23 08:16:40',
    ' 55 attempts in 1 m 10 s, 1.3/s, 32 failed, 2 pending, 2 look-ups (2 failed)',
    ' WAITING: 2                           PROCESS          DESTINATION',
    ' pending 12.0 s, 3 SYNs sent again    node[1234]       db.example.com:5432',
    ' pending 1.0 s                        ｗｉｄｅ[1234]   [2001:db8::66]:9090',
    ' FAILING DESTINATIONS: 2    CAUSE               COUNT       AGO PROCESS',
    ' 10.0.0.7:5432              refused                31      10 s python3',
    ' 203.0.113.9:22             denied (192.0.2.…       1      30 s curl',
    ' PROCESS → DESTINATION: 4                 PER S   COUNT  FAILED     P50     P99',
    ' curl → api.example.com:443                 0.8      20       0   99 µs  109 µs',
    ' python3 → 10.0.0.7:5432                    0.2      31      31       -       -',
    ' curl → a-very-long-…al.example.com:8443    0.1       1       0  1.19 s  1.19 s',
    ' curl → 203.0.113.9:22                      0.0       1       1       -       -',
    ' FAILED DNS LOOK-UPS: 1           ERROR       COUNT       AGO PROCESS',
    ' nope.example.com                 NXDOMAIN        2       4 s curl, python3',
    '',
    '',
    '',
    '',
    '',
    '',
    '',
    '',
    ' q quit  ? help  / filter  p pause  s sort: longest  Tab section  Enter details',
  ]);
});

test('at 80 columns the cause says that the firewall of this machine dropped the packets', () => {
  const dropped = outcome(1, { result: 'aborted', drop_reason: 'NETFILTER_DROP', drop_count: 3, drop_at: 'OUTPUT' });
  const rows = screen(shown(2, dropped), { columns: 80, rows: 24 });
  assert.ok(
    rows.some((row) => row.includes(' aborted: firewal… ')),
    rows.join('\n'),
  );
});

test('bytes, if the input has closed events and the screen has room', () => {
  const input = shown(70, outcome(60), closed(65, { bytes_sent: 1_234_567, bytes_received: 89 }));
  const lines = (columns: number) => screen(input, { columns, rows: 24 }).filter((line) => /→/.test(line));
  assert.deepEqual(lines(120), [
    ' PROCESS → DESTINATION: 1                             PER S   COUNT  FAILED     P50     P99     SENT RECEIVED       AGO',
    ' curl → 192.0.2.1:443                                   0.1       1       0  1.0 ms  1.0 ms   1.2 MB     89 B       5 s',
  ]);
  assert.match(lines(80)[0] as string, /P99$/);
});

test('100×32: empty lines between the sections; 200 columns: more columns', () => {
  assert.deepEqual(screen(day(), { columns: 130, rows: 32 }).slice(0, 16), [
    ' synpipe top  live  2026-11-23 08:16:40',
    ' 55 attempts in 1 m 10 s, 1.3/s, 32 failed, 2 pending, 2 look-ups (2 failed)',
    '',
    ' WAITING: 2                           PROCESS                              DESTINATION',
    ' pending 12.0 s, 3 SYNs sent again    node[1234]                           db.example.com:5432',
    ' pending 1.0 s                        ｗｉｄｅ[1234]                       [2001:db8::66]:9090',
    '',
    ' FAILING DESTINATIONS: 2                           CAUSE                               COUNT       AGO PROCESS',
    ' 10.0.0.7:5432                                     refused                                31      10 s python3',
    ' 203.0.113.9:22                                    denied (192.0.2.254: admin-prohi…       1      30 s curl',
    '',
    ' PROCESS → DESTINATION: 4                                                         PER S   COUNT  FAILED     P50     P99       AGO',
    ' curl → api.example.com:443                                                         0.8      20       0   99 µs  109 µs       1 s',
    ' python3 → 10.0.0.7:5432                                                            0.2      31      31       -       -      10 s',
    ' curl → a-very-long-name-that-does-not-fit.internal.example.com:8443                0.1       1       0  1.19 s  1.19 s       1 s',
    ' curl → 203.0.113.9:22                                                              0.0       1       1       -       -      30 s',
  ]);
});

test('no events yet, and the end of the input', () => {
  const nothing = { ...shown(0), now: 0 };
  assert.deepEqual(screen(nothing, { columns: 80, rows: 12 }), [
    ' synpipe top  live  waiting for events',
    ' 0 attempts, 0.0/s, 0 failed, 0 pending',
    ' WAITING: none                        PROCESS          DESTINATION',
    ' FAILING DESTINATIONS: none CAUSE               COUNT       AGO PROCESS',
    ' PROCESS → DESTINATION: none              PER S   COUNT  FAILED     P50     P99',
    ' FAILED DNS LOOK-UPS: none        ERROR       COUNT       AGO PROCESS',
    '',
    '',
    '',
    '',
    '',
    ' q quit  ? help  / filter  p pause  s sort: longest  Tab section  Enter details',
  ]);
  assert.match(screen({ ...day(), hasEnded: true }, { columns: 80, rows: 24 })[0] as string, /live \(ended\)/);
});

test('the footer names only keys for which there is room', () => {
  for (let columns = 60; columns < 100; columns++) {
    const footer = screen(day(), { columns, rows: 24 }).at(-1) as string;
    assert.match(footer, /(pause|longest|section|details|zoom)$/, `${columns} columns`);
  }
});

test('every screen has exactly its size, whatever that is', () => {
  for (const columns of [1, 10, 59, 60, 61, 79, 80, 100, 109, 110, 250])
    for (const rows of [1, 2, 5, 9, 10, 11, 15, 24, 29, 30, 80])
      for (const zoomed of [false, true]) {
        const lines = screen(day(), { columns, rows }, { ...initialState(), zoomed });
        assert.equal(lines.length, rows, `${columns}×${rows}`);
        for (const line of lines) assert.ok([...line].length <= columns, `${columns}×${rows}: ${line}`);
      }
});

test('a waiting attempt ticks', () => {
  const state = (s: number) =>
    screen(shown(s, pending(0, 1)), { columns: 80, rows: 24 })[3]
      ?.trim()
      .split('  ')[0];
  assert.deepEqual(
    [state(1), state(1.35), state(12.3), state(250)],
    ['pending 1.0 s', 'pending 1.4 s', 'pending 12.3 s', 'pending 4 m 10 s'],
  );
});

test('lost and invalid events are in the second line', () => {
  const lost = { type: 'lost', v: 1, stage: 'collector', where: 'ring buffer', count: 1_234 };
  const what = shown(1, outcome(0), lost);
  what.model.invalid = 2;
  assert.equal(
    screen(what, { columns: 80, rows: 24 })[1],
    ' 1 attempt in 1.00 s, 1.0/s, 0 failed, 0 pending, 1,234 LOST, 2 invalid',
  );
});

test('rows that were dropped are summed up in the last line of their section', () => {
  const many = Array.from({ length: 1_500 }, (_, i) => refused(i / 100, { dport: 1 + i }));
  const what = shown(15, ...many);
  const state = { ...initialState(), focus: 2, hasChosen: true };
  const last = arrange(what, state, { columns: 80, rows: 24 }).rows[2]?.at(-1);
  Object.assign(state.sections[2] as object, { selected: last?.key });
  const lines = screen(what, { columns: 80, rows: 24 }, state);
  assert.deepEqual(
    lines.filter((line) => /: \d|^ and /.test(line)),
    [
      ' FAILING DESTINATIONS: 250+ CAUSE               COUNT       AGO PROCESS',
      ' PROCESS → DESTINATION: 300+              PER S   COUNT  FAILED     P50     P99',
      ' and 1,200 attempts of 1,200 other pairs',
    ],
  );
});

test('a message is shown until it is read', () => {
  const what = { ...day(), messages: ['enrich: one', 'enrich: two'] };
  const lines = screen(what, { columns: 80, rows: 24 });
  assert.equal(lines.at(-2), ' enrich: two (m: 2 messages)');
  assert.equal(lines.length, 24);
  const read = screen(what, { columns: 80, rows: 24 }, { ...initialState(), read: 2 });
  assert.doesNotMatch(read.join(), /enrich/);
});

test('without colour there are only bold, underlined and inverse texts', () => {
  const codes = (colour: boolean) => {
    const text = drawn(day(), { columns: 80, rows: 24 }, initialState(), colour).join('');
    return [...new Set([...text.matchAll(/\[(\d+)m/g)].map(([, code]) => Number(code)))].sort((a, b) => a - b);
  };
  assert.deepEqual(codes(false), [1, 4, 7, 22, 24, 27]);
  assert.deepEqual(codes(true), [1, 4, 7, 22, 24, 27, 31, 33, 39]);
});

test('nothing from the network controls the terminal', () => {
  const evil = '\x1b[2J\x9b5A\u202e\x07';
  const what = shown(
    3,
    refused(0, { comm: evil, name: evil }),
    nxdomain(1, 'x', { comm: evil }),
    pending(1, 2, { comm: evil, name: evil }),
  );
  const state = { ...initialState(), hasChosen: true };
  const check = (lines: string[]) => assert.doesNotMatch(lines.map(plain).join(''), /[\p{Cc}\p{Cf}]/u);
  for (const focus of [0, 1, 2, 3]) {
    check(drawn(what, { columns: 200, rows: 50 }, { ...state, focus }, true));
    const [row] =
      [what.model.waiting, what.model.failures, what.model.talks, what.model.lookups][focus]?.values() ?? [];
    assert.ok(row);
    check(drawn(what, { columns: 200, rows: 50 }, { ...state, overlay: { kind: 'details', scroll: 0, row } }, true));
  }
});

test('details: all fields, durations in words too, long values wrapped', () => {
  const what = shown(
    3,
    outcome(1, {
      id: '7',
      latency_us: 1_234_567,
      name: 'a.example.com',
      names: ['a.example.com', 'b.example.com'],
      own: 'x'.repeat(100),
    }),
  );
  const [row] = what.model.talks.values();
  assert.ok(row);
  const state = { ...initialState(), overlay: { kind: 'details' as const, scroll: 0, row } };
  assert.deepEqual(screen(what, { columns: 80, rows: 24 }, state).slice(2, -1), [
    ' The last attempt or look-up',
    ' type       outcome',
    ' v          1',
    ' seq        1',
    ' ts         2026-11-23T08:15:31.000000Z',
    ' start      2026-11-23T08:15:31.000000Z',
    ' id         7',
    ' pid        1234',
    ' comm       curl',
    ' family     4',
    ' daddr      192.0.2.1',
    ' dport      443',
    ' via        connect',
    ' result     established',
    ' latency_us 1234567 (1.23 s)',
    ' name       a.example.com',
    ' names      ["a.example.com","b.example.com"]',
    ' own        xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
    '            xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
    '',
    '',
  ]);
  const end = { ...state, overlay: { ...state.overlay, scroll: 1e9 } };
  assert.deepEqual(screen(what, { columns: 80, rows: 12 }, end).slice(2, 5), [
    ' The last attempt or look-up (lines 11 to 18 of 18)',
    ' dport      443',
    ' via        connect',
  ]);
});

test('help: every key', () => {
  const state = { ...initialState(), overlay: { kind: 'help' as const, scroll: 0 } };
  const lines = screen(shown(0), { columns: 80, rows: 24 }, state);
  for (const [keys, what] of keyTable)
    assert.ok(
      lines.some((line) => line.includes(keys) && line.includes(what)),
      keys,
    );
});

test('the filter is typed in the last line, with an error above it', () => {
  const prompt = { text: 'dport = 443', error: 'column 7: "=" is not an operator; write ==' };
  const lines = screen(day(), { columns: 80, rows: 24 }, { ...initialState(), prompt });
  assert.deepEqual(lines.slice(-2), [' column 7: "=" is not an operator; write ==', 'Filter: dport = 443']);
  const long = { text: `pcomm == "${'x'.repeat(100)}"`, error: undefined };
  const [hint, typed] = screen(day(), { columns: 80, rows: 24 }, { ...initialState(), prompt: long }).slice(-2);
  assert.match(hint as string, /^ Example: /);
  assert.equal(typed, `Filter: ${'x'.repeat(69)}"`);
});
