import assert from 'node:assert/strict';
import { test } from 'node:test';
import { from } from '../../../collector/nats/from.js';
import { numbered, seqsOf } from '../../support/lines.js';
import { NatsServer } from '../../support/nats.js';
import { folder } from '../../support/process.js';
import { shell } from '../../support/shell.js';

test('--from: the beginning, a number, a time, or only new events; for a new consumer only', async (t) => {
  const [server, dir] = [await NatsServer.start(t), folder(t)];
  assert.equal((await shell(`sink-nats --create-stream CONN ${server.url}`, dir, numbered(1, 10))).code, 0);
  const run = (options: string) => shell(`source-nats ${options} ${server.url} CONN`, dir);
  const count = async (options: string) => seqsOf((await run(options)).stdout);
  assert.deepEqual(await count('--durable a --from seq:8 -n 3'), [8, 9, 10]);
  assert.deepEqual(await count('--durable b --from time:2020-01-01T00:00:00Z -n 2'), [1, 2]);
  assert.deepEqual(await count('--durable c --from time:2099-01-01T00:00:00Z --idle 300ms'), []);
  assert.deepEqual(await count('--durable d --from new --idle 300ms'), []);
  assert.deepEqual(
    await count('--durable e --from all --subject "conn.*.connect" -n 10'),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  );
  assert.deepEqual(await count('--durable f --subject "conn.*.lost" --idle 300ms'), []);
  await shell(`sink-nats ${server.url}`, dir, numbered(11, 12));
  assert.deepEqual(await count('--durable d -n 2'), [11, 12]);
  const again = await run('--durable b --from all -n 10');
  assert.deepEqual(seqsOf(again.stdout), [3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  assert.equal(
    again.stderr,
    'source-nats: the consumer b continues from its last position; --from is only for a new one, see --durable\n',
  );
});

test('a wrong --from is refused with the valid forms', () => {
  assert.deepEqual(from('seq:7'), { deliver_policy: 'by_start_sequence', opt_start_seq: 7 });
  assert.deepEqual(from('time:2026-11-23T09:00:00.5+01:00'), {
    deliver_policy: 'by_start_time',
    opt_start_time: '2026-11-23T08:00:00.500Z',
  });
  for (const wrong of ['', 'seq:', 'seq:0', 'seq:-1', 'time:yesterday', 'time:2026-11-23', 'old', 'all '])
    assert.throws(() => from(wrong), /use all, new, seq:N or time:/, wrong);
});
