import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Otel } from '../../../schemas/generated/events.js';
import { ecsOf } from '../../../transforms/to-ecs.js';
import { otelOf } from '../../../transforms/to-otel.js';
import { connect, ndjson } from '../../support/events.js';
import { wrongInLogs } from '../../support/otlp.js';
import { folder } from '../../support/process.js';
import { type Behaviour, Receiver } from '../../support/receiver.js';
import { clickhouse, elasticsearch, loki, otlp, splunk, victorialogs } from '../../support/receivers.js';
import { shell } from '../../support/shell.js';

const events = [
  connect({ seq: 1, dport: 443 }),
  connect({ seq: 2, dport: 80, errno: 111, error: 'ECONNREFUSED' }),
  { type: 'lost', v: 1, stage: 'collector', where: 'ring buffer', count: 3 },
  connect({ seq: 3, comm: 'é "😀"' }),
];
const bad = connect({ seq: 4, dport: 13 });
const nano = '1795421730123456000';

/** Stores every second request without letting the sender know. */
const forgetful =
  (behaviour: Behaviour): Behaviour =>
  (got, response, nth) => {
    const forget = () => {
      response.socket?.destroy();
      return response;
    };
    if (nth % 2 === 0) response.end = forget as typeof response.end;
    behaviour(got, response, nth);
  };

async function send(t: TestContext, behaviour: Behaviour, options: string, input: object[]) {
  const dir = folder(t);
  writeFileSync(join(dir, 'token'), 'SECRET\n');
  const receiver = await Receiver.start(t, behaviour);
  const { code, stderr, stdout } = await shell(
    `sink-http ${options} --status ${receiver.url} | tail -n 1`,
    dir,
    ndjson(...input),
  );
  const { in: read, out, lost } = JSON.parse(stdout);
  return { code, stderr, counts: { read, out, lost }, receiver, dir };
}

const seqs = (stored: Record<string, unknown>[]) => stored.map(({ seq }) => seq).sort();

test('clickhouse: a repeated batch is one insert; one that cannot be parsed goes to the dead letter', async (t) => {
  const { stored, behaviour } = clickhouse('db.connects');
  const { code, counts } = await send(
    t,
    forgetful(behaviour),
    '--preset clickhouse --into db.connects --batch-lines 2',
    events,
  );
  assert.deepEqual([code, counts], [0, { read: 4, out: 4, lost: 0 }]);
  assert.deepEqual(
    stored.map((event) => JSON.stringify(event)).sort(),
    events.map((event) => JSON.stringify(event)).sort(),
  );
  const refused = await send(t, behaviour, '--preset clickhouse --into db.connects --on-reject no.ndjson', [bad, bad]);
  assert.deepEqual([refused.code, refused.counts], [0, { read: 2, out: 0, lost: 2 }]);
  assert.match(
    readFileSync(join(refused.dir, 'no.ndjson'), 'utf8'),
    /"reason":"400 Code: 27\. DB::Exception: Cannot parse/,
  );
  const nowhere = await send(t, behaviour, '--preset clickhouse --into other', events);
  assert.match(
    nowhere.stderr,
    /^sink-http: the receiver rejected events: 404 Code: 60.*; fix the cause, or see --on-reject\n$/m,
  );
  assert.equal(nowhere.code, 1);
});

test('elasticsearch: each event is stored once if batches are repeated; retries deferred, keeps refused events', async (t) => {
  const { stored, behaviour } = elasticsearch('connects');
  const given = '--preset elasticsearch --into connects --on-reject no.ndjson --gzip';
  const { code, counts, dir } = await send(t, forgetful(behaviour), given, [...events, bad]);
  assert.deepEqual([code, counts], [0, { read: 5, out: 4, lost: 1 }]);
  assert.deepEqual(seqs(stored), [1, 2, 3, undefined]);
  const [record, ...others] = readFileSync(join(dir, 'no.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    [JSON.parse(record.raw), record.reason, others],
    [bad, '400 document_parsing_exception: because of document_parsing_exception', []],
  );
});

test('loki: streams by type and label, times in nanoseconds, and the same entries if a batch is repeated', async (t) => {
  const { stored, labels, behaviour } = loki();
  const { code, counts } = await send(
    t,
    forgetful(behaviour),
    "--preset loki --label 'host=web 1' --label env=x",
    events,
  );
  assert.deepEqual([code, counts], [0, { read: 4, out: 4, lost: 0 }]);
  assert.deepEqual(seqs(stored), [1, 2, 3, undefined]);
  assert.equal(stored.find(({ seq }) => seq === 1)?.at, nano);
  const label = (type: string) => JSON.stringify({ job: 'synpipe', type, host: 'web 1', env: 'x' });
  assert.deepEqual([...labels].sort(), [label('connect'), label('lost')]);
});

test('victorialogs: the request says which fields are time and message', async (t) => {
  const { stored, behaviour } = victorialogs();
  const { code, counts } = await send(t, behaviour, '--preset victorialogs', events);
  assert.deepEqual([code, counts], [0, { read: 4, out: 4, lost: 0 }]);
  assert.deepEqual(
    stored.map(({ _msg }) => _msg),
    ['curl', 'curl', 'lost', 'é "😀"'],
  );
});

test('splunk-hec: sends the token and the times, and retries a busy server', async (t) => {
  const { stored, behaviour } = splunk('SECRET');
  const { code, counts } = await send(t, behaviour, '--preset splunk-hec --auth-file token', events);
  assert.deepEqual([code, counts], [0, { read: 4, out: 4, lost: 0 }]);
  assert.deepEqual([stored.length, stored[0]?.time, stored[0]?.source], [4, 1795421730.123456, 'synpipe']);
  const wrong = await send(t, behaviour, '--preset splunk-hec', events);
  assert.match(wrong.stderr, /the receiver rejected events: 403, check the credentials; /);
});

test("OpenTelemetry's own messages reject an invalid request", () => {
  const log = (record: object) => JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: [record] }] }] });
  assert.equal(wrongInLogs(log({ timeUnixNano: nano, eventName: 'x', body: { stringValue: 'y' } })), undefined);
  for (const record of [
    { timeUnixNanos: nano },
    { timeUnixNano: Number(nano) },
    { severityNumber: '9' },
    { body: 'y' },
  ])
    assert.ok(wrongInLogs(log(record)), JSON.stringify(record));
});

test('otlp: records have typed attributes; a partial success is counted, and not sent again', async (t) => {
  const { stored, behaviour } = otlp();
  const { code, counts, receiver, stderr } = await send(t, behaviour, '--preset otlp --on-reject drop', [
    ...events,
    bad,
  ]);
  assert.deepEqual([code, counts, receiver.got.length], [0, { read: 5, out: 4, lost: 1 }, 1]);
  assert.equal(stderr, 'sink-http: 1 line rejected by the receiver\n');
  const [first = {}, failed, lost] = stored;
  assert.equal(first.timeUnixNano, nano);
  const { dport, comm } = first.values as Record<string, object>;
  assert.deepEqual([dport, comm], [{ intValue: '443' }, { stringValue: 'curl' }]);
  assert.deepEqual([first?.severityNumber, failed?.severityNumber, lost?.severityNumber], [9, 13, 13]);
});

test('otlp: lines that are OTLP already are sent unchanged, by resource, among other events', async (t) => {
  const { behaviour } = otlp();
  const lines = [connect({ seq: 1, host: 'a' }), connect({ seq: 2, host: 'b' }), connect({ seq: 3, host: 'a' })];
  const made = lines.map((event) => otelOf(event, '') as Otel);
  const { code, counts, receiver } = await send(t, behaviour, '--preset otlp', [...made, events[0] as object]);
  assert.deepEqual([code, counts], [0, { read: 4, out: 4, lost: 0 }]);
  const { resourceLogs } = JSON.parse(receiver.got[0]?.body as string) as Otel;
  const [a, b, c] = made.map(({ resourceLogs: [one] }) => one);
  assert.deepEqual(resourceLogs.slice(0, 2), [
    { ...a, scopeLogs: [{ ...a?.scopeLogs[0], logRecords: [a, c].flatMap((one) => one?.scopeLogs[0]?.logRecords) }] },
    b,
  ]);
  assert.equal(resourceLogs.length, 3);
});

test('loki and splunk-hec: the time of to-ecs output is used', async (t) => {
  const ecs = ecsOf(connect({ seq: 1 }), '');
  const toLoki = loki();
  await send(t, toLoki.behaviour, '--preset loki', [ecs]);
  assert.equal(toLoki.stored[0]?.at, nano);
  const toSplunk = splunk('SECRET');
  await send(t, toSplunk.behaviour, '--preset splunk-hec --auth-file token', [ecs]);
  assert.equal(toSplunk.stored[0]?.time, 1795421730.123456);
});

test('a batch that is too large is sent in halves, each with its own key; a single line too large is refused', async (t) => {
  const keys = new Set<string>();
  const stored: Record<string, unknown>[] = [];
  const behaviour: Behaviour = ({ body, key }, response) => {
    if (body.length > 600) return void response.writeHead(413).end('too large');
    assert.ok(!keys.has(key));
    keys.add(key);
    for (const line of body.trim().split('\n')) stored.push(JSON.parse(line));
    response.end();
  };
  const many = Array.from({ length: 40 }, (_, i) => connect({ seq: i + 1 }));
  const huge = { type: 'huge', text: '/'.repeat(700) };
  const { code, counts } = await send(t, behaviour, '--on-reject drop', [...many, huge]);
  assert.deepEqual([code, counts], [0, { read: 41, out: 40, lost: 1 }]);
  assert.deepEqual(new Set(stored.map(({ seq }) => seq)), new Set(many.map(({ seq }) => seq)));
  assert.equal(stored.length, 40);
});
