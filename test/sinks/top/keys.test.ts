import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyNames } from '../../../sinks/top/key-names.js';
import { press } from '../../../sinks/top/keys.js';
import { arrange } from '../../../sinks/top/page.js';
import { initialState, type Shown, type State } from '../../../sinks/top/state.js';
import { nxdomain, outcome, pending, refused, shown } from './shown.js';

const what = shown(
  30,
  pending(0, 1, { id: '1' }),
  pending(10, 1, { id: '2' }),
  ...Array.from({ length: 30 }, (_, i) => outcome(20, { dport: 1000 + i, latency_us: 100 * (i + 1) })),
  refused(21, { dport: 2000 }),
  refused(22, { dport: 2001 }),
  refused(22, { dport: 2001 }),
  nxdomain(23, 'nope.example.com'),
);
const size = { columns: 80, rows: 24 };

/** Presses keys, and returns what was asked for. */
function type(state: State, keys: readonly string[], of: Shown = what): string[] {
  const asked: string[] = [];
  for (const key of keys) {
    press(key, state, arrange(of, state, size), of, {
      quit: () => asked.push('quit'),
      redraw: () => asked.push('redraw'),
      pause: () => asked.push('pause'),
      filter(text) {
        asked.push(`filter ${text}`);
        return text.includes('=') && !text.includes('==') ? 'write ==' : undefined;
      },
    });
  }
  arrange(of, state, size);
  return asked;
}

const selected = (state: State) => state.sections[state.focus]?.selected?.replace('\n', ' ');

test('arrows select rows, and never leave the section', () => {
  const state = initialState();
  type(state, ['down']);
  assert.equal(selected(state), '1', 'the first row of the first section: the longest waiting attempt');
  type(state, ['down', 'down', 'down']);
  assert.equal(selected(state), '2');
  type(state, ['up', 'up', 'up']);
  assert.equal(selected(state), '1');
  type(state, ['escape']);
  assert.equal(selected(state), undefined);
  type(state, ['j', 'j', 'k']);
  assert.equal(selected(state), '1');
});

test('a long section scrolls with the selection', () => {
  const state = initialState();
  type(state, ['3', 'end']);
  const section = state.sections[2];
  const { heights, rows } = arrange(what, state, size);
  assert.equal(section?.at, 31);
  assert.equal(section?.top, (rows[2]?.length ?? 0) - (heights[2] ?? 0));
  type(state, ['pageup', 'pageup', 'pageup', 'pageup', 'pageup']);
  assert.deepEqual([section?.at, section?.top], [0, 0]);
  type(state, ['pagedown']);
  assert.equal(section?.at, heights[2]);
  type(state, ['G', 'g']);
  assert.deepEqual([section?.selected, section?.top], [undefined, 0]);
});

test('the selection follows its row, and stays near its place when the row goes away', () => {
  const state = initialState();
  type(state, ['down', 'down']);
  assert.equal(selected(state), '2');
  const later = shown(30, pending(0, 1, { id: '5' }), pending(1, 1, { id: '6' }), pending(10, 1, { id: '2' }));
  type(state, [], later);
  assert.deepEqual([selected(state), state.sections[0]?.at], ['2', 2]);
  type(state, [], shown(30, pending(0, 1, { id: '5' })));
  assert.equal(selected(state), '5');
  type(state, [], shown(30));
  assert.deepEqual([selected(state), state.sections[0]?.at], [undefined, 0]);
});

test('Tab and numbers change the section, until then it is the first with rows', () => {
  const state = initialState();
  arrange(shown(30, refused(1)), state, size);
  assert.equal(state.focus, 1);
  arrange(what, state, size);
  assert.equal(state.focus, 0);
  const focus = (...keys: string[]) => {
    type(state, keys);
    return state.focus;
  };
  assert.deepEqual([focus('tab'), focus('tab'), focus('tab'), focus('tab')], [1, 2, 3, 0]);
  assert.deepEqual([focus('shift-tab'), focus('2'), focus('5'), focus('1')], [3, 1, 1, 0]);
});

test('s sorts the section by the next criterion, S by the previous one', () => {
  const state = initialState();
  const first = () => arrange(what, state, size).rows[state.focus]?.[0]?.key.split('\n');
  type(state, ['2']);
  assert.deepEqual(first(), ['refused', '192.0.2.1:2001']);
  type(state, ['3', 's', 's']);
  assert.deepEqual(first(), ['curl', '192.0.2.1:2001'], 'failed');
  type(state, ['s']);
  assert.deepEqual(first(), ['curl', '192.0.2.1:1029'], 'p50');
  type(state, ['S', 'S', 'S', 'S']);
  assert.deepEqual(first(), ['curl', '192.0.2.1:1000'], 'destination');
});

test('z lets a section fill the screen', () => {
  const state = initialState();
  type(state, ['3', 'z']);
  assert.deepEqual(arrange(what, state, size).heights, [0, 0, 20, 0]);
  type(state, ['escape']);
  assert.equal(state.zoomed, false);
});

test('Enter shows details of the selected row, or of the first; they scroll', () => {
  const state = initialState();
  type(state, ['2', 'enter']);
  assert.equal(state.overlay?.row?.key, 'refused\n192.0.2.1:2001');
  type(state, ['down', 'pagedown', 'up']);
  assert.equal(state.overlay?.scroll, 19);
  type(state, ['home']);
  assert.equal(state.overlay?.scroll, 0);
  assert.deepEqual(type(state, ['q']), [], 'q goes back');
  assert.equal(typeof state.overlay, 'undefined');
  type(state, ['down', 'down', 'enter']);
  assert.equal(state.overlay?.row?.key, 'refused\n192.0.2.1:2000');
  type(state, ['escape', '1'], shown(0));
  type(state, ['enter'], shown(0));
  assert.equal(state.overlay, undefined, 'no row');
});

test('help and messages', () => {
  const state = initialState();
  type(state, ['?']);
  assert.equal(state.overlay?.kind, 'help');
  type(state, ['escape', 'm'], { ...what, messages: ['a', 'b'] });
  assert.deepEqual([state.overlay?.kind, state.read], ['messages', 2]);
});

test('a filter is typed, applied, corrected and cancelled', () => {
  const state = initialState();
  assert.deepEqual(type(state, ['/', ...'dporx', 'backspace', ...'t = 443', 'enter']), ['filter dport = 443']);
  assert.deepEqual(state.prompt, { text: 'dport = 443', error: 'write ==' });
  assert.deepEqual(type(state, ['ctrl-w', ...'q', 'ctrl-u', ...'dport == 443', 'enter']), ['filter dport == 443']);
  assert.deepEqual([state.prompt, state.filter], [undefined, 'dport == 443']);
  type(state, ['/', 'ctrl-w', 'escape']);
  assert.equal(state.filter, 'dport == 443', 'Esc keeps the filter that applies');
  assert.deepEqual(type(state, ['/', 'ctrl-u', 'enter']), ['filter ']);
  assert.equal(state.filter, '');
});

test('quit, pause, redraw; other keys do nothing', () => {
  const state = initialState();
  assert.deepEqual(type(state, ['p', ' ', 'ctrl-l', 'q']), ['pause', 'pause', 'redraw', 'quit']);
  assert.deepEqual(type(state, ['x', 'f5', 'constructor', 'delete', '°']), []);
  assert.deepEqual(state, { ...initialState(), hasChosen: state.hasChosen });
});

test('what is typed becomes names of keys', async () => {
  const keys: string[] = [];
  const feed = keyNames((key) => keys.push(key));
  for (const typed of [
    'qS?/ é字',
    '\r',
    '\n',
    '\t',
    '\x1b[Z',
    '\x1b[A\x1b[B',
    '\x1bOA',
    '\x1b[5~\x1b[6~',
    '\x1b[H\x1b[F',
  ])
    feed(typed);
  for (const typed of ['\x7f', '\b', '\x0c', '\x15', '\x17', '\u202e', '\x1b[', 'A', '\x1b']) feed(typed);
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.deepEqual(keys, [
    ...[
      'q',
      'S',
      '?',
      '/',
      ' ',
      'é',
      '字',
      'enter',
      'enter',
      'tab',
      'shift-tab',
      'up',
      'down',
      'up',
      'pageup',
      'pagedown',
    ],
    ...['home', 'end', 'backspace', 'backspace', 'ctrl-l', 'ctrl-u', 'ctrl-w', 'up', 'escape'],
  ]);
});
