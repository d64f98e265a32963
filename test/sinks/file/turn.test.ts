import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { sinkFile } from '../../../sinks/file.js';
import { connect } from '../../support/events.js';
import { seqsIn } from '../../support/lines.js';
import { folder, size, until } from '../../support/process.js';
import { Session } from '../../support/session.js';

/** A clock that only the test moves. Timers keep running, and read the time from it. */
function clock(t: TestContext, at: string) {
  t.mock.timers.enable({ apis: ['Date'], now: Date.parse(at) });
  return { set: (to: string) => t.mock.timers.setTime(Date.parse(to)) };
}

const seqs = (dir: string) => Object.fromEntries(readdirSync(dir).map((name) => [name, seqsIn(join(dir, name))]));

test('a file is closed when its time is over even without input, and even if the timer fired too early', async (t) => {
  const dir = folder(t);
  const { set } = clock(t, '2026-11-23T08:59:59.999Z');
  const session = new Session(t, sinkFile({ path: join(dir, 'out.ndjson'), rotateEvery: '1h' }));
  const ended = session.take();
  session.send(connect({ seq: 1 }));
  await until('the line', () => size(join(dir, 'out.ndjson')) > 0);
  await new Promise((resolve) => setTimeout(resolve, 50)); // the timer for the last millisecond fires, and fires again
  assert.deepEqual(readdirSync(dir), ['out.ndjson']);
  set('2026-11-23T09:00:00.000Z');
  const closed = 'out@20261123T090000.000Z.ndjson';
  await until('the file to be closed', () => readdirSync(dir).includes(closed));
  session.send(connect({ seq: 2 }));
  session.end();
  await ended;
  assert.deepEqual(seqs(dir), { 'out.ndjson': [2], [closed]: [1] });
});

test('the first line of a period goes to the new file, even if no timer has fired', async (t) => {
  const dir = folder(t);
  const { set } = clock(t, '2026-11-23T08:15:00.000Z'); // the timer is three quarters of an hour away
  const session = new Session(t, sinkFile({ path: join(dir, 'c-%H.ndjson') }));
  const ended = session.take();
  session.send(connect({ seq: 1 }));
  await until('the line', () => size(join(dir, 'c-08.ndjson')) > 0);
  set('2026-11-23T09:00:00.000Z');
  session.send(connect({ seq: 2 }), connect({ seq: 3 }));
  session.end();
  await ended;
  assert.deepEqual(seqs(dir), { 'c-08.ndjson': [1], 'c-09.ndjson': [2, 3] });
});
