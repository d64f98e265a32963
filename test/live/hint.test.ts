import assert from 'node:assert/strict';
import { Terminal } from '../support/terminal.js';
import { live } from './live.js';

const hint = 'collector: prints one JSON line per attempt; for a table, add | sink-table, or run synpipe top';

for (const [where, output, isShown] of [
  ['the events and the messages', '2>&1', true],
  ['the messages', '2>&1 >/dev/null', false],
  ['the events', '2>/dev/null', false],
] as const)
  live(`${where} go to a terminal: ${isShown ? 'one line hints at the table' : 'no hint'}`, async (net, t) => {
    const terminal = new Terminal(
      t,
      [...net.enter, 'bash', '-c', `echo before; collector --netns ${net.inode} --duration 1s ${output}`],
      120,
    );
    assert.equal(await terminal.ended, 0);
    assert.deepEqual(terminal.lines, ['before', ...(isShown ? [hint] : [])]);
  });
