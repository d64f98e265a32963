import assert from 'node:assert/strict';
import { test } from 'node:test';
import { painter, useColour } from '../../../../schemas/pipe/terminal/colour.js';

test('colours on a terminal only, unless the user asks for something else', () => {
  const expected: [NodeJS.ProcessEnv, onTerminal: boolean, elsewhere: boolean][] = [
    [{}, true, false],
    [{ NO_COLOR: '1' }, false, false],
    [{ NO_COLOR: '' }, true, false],
    [{ TERM: 'dumb' }, false, false],
    [{ FORCE_COLOR: '1' }, true, true],
    [{ FORCE_COLOR: '1', NO_COLOR: '1', TERM: 'dumb' }, true, true],
    [{ FORCE_COLOR: '0' }, false, false],
    [{ FORCE_COLOR: '' }, true, false],
  ];
  for (const [env, onTerminal, elsewhere] of expected) {
    assert.equal(useColour(true, 'auto', env), onTerminal, JSON.stringify(env));
    assert.equal(useColour(false, 'auto', env), elsewhere, JSON.stringify(env));
    assert.equal(useColour(false, 'always', env), true);
    assert.equal(useColour(true, 'never', env), false);
  }
});

test('paints with several styles, and nothing without colour', () => {
  const paint = painter(true);
  assert.equal(paint('failed', 'red', 'bold'), '\x1b[1m\x1b[31mfailed\x1b[39m\x1b[22m');
  assert.equal(paint('', 'red'), '');
  assert.equal(painter(false)('failed', 'red'), 'failed');
});
