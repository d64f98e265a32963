import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IdleTimer } from '../../../transforms/aggregate/idle.js';
import { timeText } from '../../../transforms/aggregate/time.js';
import { HostClock, Timeline } from '../../../transforms/aggregate/timeline.js';
import { connect, ndjson } from '../../support/events.js';
import { folder, type Running, start, until } from '../../support/process.js';

const now = () => Date.now() * 1e3;
const event = (us: number, more: object = {}) => connect({ ts: timeText(us), ...more });

function reading({ child }: Running): () => object[] {
  let out = '';
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    out += text;
  });
  return () =>
    out
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
}

test('without events, time continues from the newest event if it was live, and stands still in a replay', async (t) => {
  t.mock.timers.enable({ apis: ['Date', 'setTimeout'], now: 1_000_000 });
  const [live, replay] = [4e6, 60e6].map((age) => {
    const timeline = new Timeline({}, 60e6);
    const clock = new HostClock<object>();
    clock.newest = 1_000_000e3 - age;
    timeline.join(clock);
    return timeline;
  }) as [Timeline<object>, Timeline<object>];
  assert.deepEqual([live.idle(), replay.idle()], [live.newest, replay.newest]);
  assert.deepEqual([live.live, replay.live], [true, false]);
  let woken = 0;
  new IdleTimer().after(30e6, () => woken++);
  new IdleTimer().after(undefined, () => woken++);
  t.mock.timers.tick(30_000);
  assert.equal(woken, 0);
  t.mock.timers.tick(1);
  assert.equal(woken, 1);
  assert.ok(live.idle() >= live.newest + 30e6);
  assert.equal(replay.idle(), replay.newest);
});

test('a window closes when its events stop coming', async (t) => {
  const running = start(t, ['aggregate', '--every', '1s', '--grace', '100ms', '--measure', 'count'], folder(t));
  const got = reading(running);
  const ts = now();
  running.child.stdin?.write(ndjson(event(ts), event(ts)));
  await until('the window', () => got().length === 1);
  assert.equal((got()[0] as { count: number }).count, 2);
  running.child.stdin?.write(ndjson(event(now())));
  await until('the next one', () => got().length === 2);
  running.child.stdin?.end();
  assert.deepEqual(await running.ended, { code: 0, signal: null, stderr: '' });
  assert.equal(got().length, 2);
});

test('windows close without events while an attempt waits', async (t) => {
  const running = start(t, ['aggregate', '--every', '1s', '--grace', '100ms', '--measure', 'count'], folder(t));
  const got = reading(running);
  const ts = timeText(now());
  running.child.stdin?.write(ndjson({ ...event(0), type: 'pending', ts, start: ts, result: 'pending', waited_us: 0 }));
  await until('three windows', () => got().length >= 3);
  running.child.stdin?.end();
  assert.deepEqual(await running.ended, { code: 0, signal: null, stderr: '' });
  for (const one of got() as { count: number; pending: number }[]) assert.deepEqual([one.count, one.pending], [0, 1]);
});

test('dedupe: the time of an event ends even without further events', async (t) => {
  const running = start(t, ['dedupe', '--within', '300ms'], folder(t));
  const got = reading(running);
  const ts = now();
  running.child.stdin?.write(ndjson(event(ts), event(ts), event(ts)));
  await until('the repeat', () => got().length === 2);
  assert.deepEqual(
    got().map((one) => (one as { repeat?: number }).repeat),
    [undefined, 2],
  );
  running.child.stdin?.end();
  await running.ended;
});

for (const command of [['aggregate', '--every', '1h'], ['aggregate'], ['dedupe', '--within', '1h']]) {
  test(`${command.join(' ')}: SIGTERM, and Ctrl-C before the end of input, write what was kept`, async (t) => {
    const [old, newer] = [event(0), event(1, { seq: 2 })];
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const running = start(t, command, folder(t));
      const got = reading(running);
      running.child.stdin?.write(ndjson({ type: 'status-of-mine' }, old, newer));
      await until('it to read', () => got().length > 0);
      running.child.kill(signal);
      if (signal === 'SIGINT') running.child.stdin?.end();
      const { code, signal: by } = await running.ended;
      assert.deepEqual([code, by], signal === 'SIGTERM' ? [null, 'SIGTERM'] : [0, null]);
      const kept = got().slice(1) as { count?: number; seq?: number }[];
      assert.deepEqual(
        kept.map(({ count, seq }) => count ?? seq),
        command[0] === 'dedupe' ? [1, 2] : [2],
      );
    }
  });
}
