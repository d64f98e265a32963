import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Closed, Open } from '../../dist/index.js';
import { counted, lostUpdates, ofType, outcomes, stillOpen } from './collect.js';
import { live } from './live.js';
import { closedIn, openIn, type Script, seen, start } from './lives.js';
import { Net } from './net.js';
import { stuck } from './stuck.js';
import { until } from './wait.js';

const uid = 1_000_000 + process.pid;
const figures = ({ bytes_sent, bytes_received }: Open | Closed) => [bytes_sent, bytes_received];
const sum = (numbers: (number | undefined)[]) =>
  numbers.reduce((all: number, number) => all + (number ?? Number.NaN), 0);

for (const before of [undefined, 'c>100 s>50 wait'])
  live(`open at the end${before ? ', and at the start' : ''}: counted, and with --snapshot reported`, async (net) => {
    for (const options of [[], ['--snapshot']]) {
      const meanwhile: Script['meanwhile'] = async (client, _, collector) => {
        await client.results(before ? 2 : 1);
        collector.child.kill();
        await collector.ended;
        client.go();
      };
      const script = { ...(before && { before }), steps: 'c>11 s>5 wait cX sX', options, meanwhile };
      const { lines } = await seen(net, script);
      const sizes = before ? [111, 55] : [11, 5];
      const events = openIn(lines);
      assert.deepEqual(events.map(figures), options.length ? [sizes] : []);
      for (const { existing, start, sent_delta } of events)
        assert.deepEqual(
          [existing, start === undefined, sent_delta],
          [before && true, before !== undefined, undefined],
        );
      assert.deepEqual([closedIn(lines).length, counted(lines).open], [0, 1]);
    }
  });

for (const before of [undefined, 'c>100 s>50 wait'])
  live(`--every${before ? ', open before the start' : ''}: the deltas add up`, async (net) => {
    const meanwhile: Script['meanwhile'] = async (client, _, collector) => {
      const events = () => openIn(collector.lines());
      const start = before ? 1 : 0;
      if (before) await until('the first report', () => events().length > 0);
      for (const [round, total] of [110, 130].entries()) {
        if (round > 0) client.go();
        await until(`${total} bytes are reported`, () => events().at(-1)?.bytes_sent === total + 100 * start);
        const { length } = events();
        await until('another report', () => events().length > length + 1);
      }
      client.go();
    };
    const script = {
      ...(before && { before }),
      steps: 'c>110 s>5 wait c>20 wait s>7 c>3 cX sX',
      options: ['--every', '1s'],
      meanwhile,
    };
    const { lines } = await seen(net, script);
    const all = [...openIn(lines), ...closedIn(lines)];
    if (before) {
      const first = all.shift() as Open;
      assert.deepEqual([first.sent_delta, first.received_delta, first.existing], [undefined, undefined, true]);
      assert.deepEqual(figures(first), [100, 50]);
    }
    assert.deepEqual(figures(all.at(-1) as Closed), before ? [233, 62] : [133, 12], lines.join('\n'));
    addUp(all, [133, 12]);
  });

/** Asserts that the deltas of a connection's events have these sums, and are the differences of its totals. */
function addUp(events: (Open | Closed)[], sums: [number, number]): void {
  const deltas = [sum(events.map((one) => one.sent_delta)), sum(events.map((one) => one.received_delta))];
  assert.deepEqual([...deltas, events.at(-1)?.type], [...sums, 'closed']);
  for (const [at, event] of events.entries()) {
    const previous = events[at - 1];
    if (!previous) continue;
    assert.ok(event.seq > previous.seq && event.ts > previous.ts);
    assert.equal(event.bytes_sent - previous.bytes_sent, event.sent_delta);
  }
}

live('--every and a reader that is stopped: no report of an open connection is lost', async (net) => {
  const other = new Net();
  await other.serve(8080);
  const { collector, reader, lines, read } = await stuck(
    '--report',
    'outcome,closed',
    '--every',
    '1s',
    '--netns',
    `${net.inode},${other.inode}`,
  );
  const client = start(net, { steps: 'c>100 s>50 wait c>20 wait s>7 c>3 cX sX' });
  await client.results(1);
  await other.client(['quiet', 30_000, '127.0.0.1', 8080]); // fills the ring buffer
  client.go();
  await client.results(2);
  await sleep(2_500); // two reports are due, which find no room
  reader.kill('SIGCONT');
  const events = () => [...openIn(lines()), ...closedIn(lines())].filter(({ netns }) => netns === net.inode);
  await until('a report with the bytes of meanwhile', () => events().at(-1)?.bytes_sent === 120);
  client.go();
  await client.finish();
  await until('its end', () => events().at(-1)?.type === 'closed');
  assert.equal((await collector.stop()).code, 0);
  await read;
  await other.remove();
  assert.ok(lostUpdates(lines()) > 0, 'the reader was too fast for this test');
  addUp(events(), [123, 57]);
});

live('a reader that is stopped: every connection has its end, or is counted', async (net) => {
  await net.serve(8080);
  const { collector, reader, lines, read } = await stuck('--report', 'outcome,closed', '-u', uid, '--snapshot');
  const made = 30_000;
  await net.client(['quiet', made, '127.0.0.1', 8080], uid);
  reader.kill('SIGCONT');
  await until('it has caught up', () => lostUpdates(lines()) > 0);
  await net.client(['quiet', 10, '127.0.0.1', 8080], uid);
  const { code, stderr } = await collector.stop();
  await read;
  const all = lines();
  const { out, lost, open } = counted(all);
  const ends = ofType<Closed>('closed', all);
  console.error(`# ${out} outcomes, ${lost} lost; ${ends.length} ends, ${lostUpdates(all)} lost, ${open} open`);
  assert.deepEqual(
    { code, stderr },
    { code: 0, stderr: open ? `collector: ${open} connection${open === 1 ? '' : 's'} still open\n` : stillOpen(0) },
  );
  assert.equal(outcomes(all).length, out);
  assert.equal(out + lost, made + 10);
  assert.equal(ends.length + lostUpdates(all) + open, made + 10);
  assert.ok(lost > 0 && lostUpdates(all) > 0, 'the reader was too fast for this test');
});

live('-n: the ends of the connections that count', async (net) => {
  await net.serve(8080);
  const { collector, reader, lines, read } = await stuck('--report', 'outcome,closed', '-u', uid, '-n', 5);
  await net.client(['quiet', 20, '127.0.0.1', 8080], uid);
  reader.kill('SIGCONT');
  assert.equal((await collector.ended).code, 0);
  await read;
  const ids = outcomes(lines()).map(({ id }) => id);
  const ends = closedIn(lines());
  const { open } = counted(lines());
  assert.equal(ids.length, 5);
  assert.ok(ends.every(({ id }) => ids.includes(id)));
  assert.equal(ends.length + open, 5);
});
