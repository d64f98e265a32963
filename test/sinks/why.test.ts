import assert from 'node:assert/strict';
import { test } from 'node:test';
import { divertMessages } from '../../schemas/pipe/messages/log.js';
import { fuseStrictly } from '../../schemas/pipe/run/fuse.js';
import { Why } from '../../sinks/why/stage.js';
import { until } from '../live/wait.js';
import { ndjson } from '../support/events.js';

const started = { type: 'status', v: 1, ts: '2026-11-30T08:00:00.000000Z', stage: 'collector', phase: 'start' };

test('synpipe why does not say that it waits for events before the collector has started', async (t) => {
  const messages: string[] = [];
  divertMessages((line) => messages.push(line));
  t.after(() => divertMessages(undefined));
  const seen: string[][] = [];
  const inputs = ['', ndjson({ ...started, version: '0.1.0' }), ''];
  const input = {
    async read(into: Buffer): Promise<number> {
      const text = inputs.shift();
      if (text === undefined) return 0;
      if (text !== '') return into.write(text);
      await until('a message', () => messages.length > 0);
      seen.push(messages.splice(0));
      return this.read(into);
    },
  };
  for await (const _ of fuseStrictly([new Why({ live: true, starts: true })], input));
  assert.deepEqual(seen, [
    ['synpipe why: the collector is starting'],
    ['synpipe why: waiting for the first event; Ctrl-C stops'],
  ]);
});
