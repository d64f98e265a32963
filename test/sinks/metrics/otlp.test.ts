import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { attributeNames, lookupNames } from '../../../sinks/metrics/otlp.js';
import { otelFields } from '../../../transforms/to-otel/fields.js';
import { ndjson } from '../../support/events.js';
import { folder, start, undo, until } from '../../support/process.js';
import { type Behaviour, Receiver } from '../../support/receiver.js';
import { otlp } from '../../support/receivers.js';
import { shell } from '../../support/shell.js';
import { traffic } from './traffic.js';

type Attributes = { key: string; value: Record<string, unknown> }[];
interface Point {
  attributes: Attributes;
  startTimeUnixNano: string;
  timeUnixNano: string;
  asInt?: string;
  count?: string;
  sum?: number;
  bucketCounts?: string[];
  explicitBounds?: number[];
}
interface Metric {
  name: string;
  unit: string;
  sum?: { dataPoints: Point[]; aggregationTemporality: number; isMonotonic: boolean };
  gauge?: { dataPoints: Point[] };
  histogram?: { dataPoints: Point[]; aggregationTemporality: number };
}

const { behaviour: strict } = otlp();

const valuesOf = (attributes: Attributes) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
const metricsIn = (body: string): Metric[] => JSON.parse(body).resourceMetrics[0].scopeMetrics[0].metrics;
const pointsOf = ({ sum, gauge, histogram }: Metric) => (sum ?? gauge ?? histogram)?.dataPoints ?? [];

async function send(t: TestContext, behaviour: Behaviour, options = '', input = ndjson(...traffic)) {
  const receiver = await Receiver.start(t, behaviour);
  const { code, stderr } = await shell(`sink-metrics ${options} ${receiver.url}`, folder(t), input);
  return { code, stderr: stderr.replaceAll(receiver.url, 'URL'), receiver };
}

test('the last numbers are sent at the end: the same as for Prometheus, under the names of the conventions', async (t) => {
  const before = BigInt(Date.now()) * 1_000_000n;
  const { code, stderr, receiver } = await send(t, strict);
  assert.deepEqual([code, stderr, receiver.got.length], [0, '', 1]);
  const { body } = receiver.got[0] as { body: string };
  const { attributes } = JSON.parse(body).resourceMetrics[0].resource;
  const { 'service.version': _, ...resource } = valuesOf(attributes);
  assert.deepEqual(resource, { 'service.name': 'synpipe', 'host.name': hostname() });

  const server = { 'synpipe.pcomm': 'curl', 'server.address': 'www.example.com', 'server.port': '443' };
  const found = Object.fromEntries(
    metricsIn(body).map((metric) => [
      `${metric.name} ${metric.unit}`,
      pointsOf(metric)
        .map((point) => [valuesOf(point.attributes), Number(point.asInt ?? point.count)] as const)
        .filter(([{ 'synpipe.pcomm': pcomm }]) => !String(pcomm).startsWith('we')),
    ]),
  );
  assert.deepEqual(found, {
    'synpipe.attempts {attempt}': [
      [{ ...server, 'synpipe.result': 'established' }, 4],
      [{ ...server, 'synpipe.result': 'timeout', 'error.type': 'ETIMEDOUT' }, 1],
      [{ ...server, 'synpipe.result': 'aborted', 'error.type': 'aborted' }, 1],
    ],
    'synpipe.pending_attempts {attempt}': [[server, 1]],
    'synpipe.connect.latency s': [[server, 4]],
    'synpipe.syn_retransmits {packet}': [[server, 5]],
    'synpipe.dropped_packets {packet}': [[{ ...server, 'synpipe.drop_reason': 'NETFILTER_DROP' }, 3]],
    'synpipe.closed_connections {connection}': [[{ ...server, 'synpipe.closed_by': 'remote' }, 1]],
    'synpipe.connection.duration s': [[server, 1]],
    'synpipe.sent By': [[server, 400]],
    'synpipe.received By': [[server, 5000]],
    'synpipe.failed_lookups {lookup}': [
      [{ 'synpipe.pcomm': 'curl', 'dns.question.name': 'gone.example.com', 'error.type': 'NXDOMAIN' }, 1],
    ],
    'synpipe.lost_events {event}': [[{ 'synpipe.stage': 'collector', 'synpipe.where': 'ring buffer' }, 17]],
  });
  for (const { sum, histogram, gauge, ...metric } of metricsIn(body)) {
    if (!gauge) assert.equal((sum ?? histogram)?.aggregationTemporality, 2, metric.name); // cumulative
    if (sum) assert.equal(sum.isMonotonic, true, metric.name);
    for (const { startTimeUnixNano, timeUnixNano } of pointsOf({
      ...metric,
      ...(sum && { sum }),
      ...(gauge && { gauge }),
    })) {
      assert.ok(BigInt(startTimeUnixNano) >= before && BigInt(timeUnixNano) >= BigInt(startTimeUnixNano));
    }
  }
  const latency = metricsIn(body).find(({ name }) => name === 'synpipe.connect.latency');
  const [{ sum, bucketCounts = [], explicitBounds = [] } = {} as Point] = latency?.histogram?.dataPoints ?? [];
  assert.equal(sum, 7.2307);
  assert.equal(bucketCounts.length, explicitBounds.length + 1);
  assert.deepEqual(
    explicitBounds.flatMap((bound, at) => (bucketCounts[at] === '0' ? [] : [[bound, bucketCounts[at]]])),
    [
      [0.001, '1'],
      [2, '1'],
      [5, '2'],
    ],
  );
});

test('groups without series have the attribute of an overflow; a name is not used twice', async (t) => {
  const { code, receiver } = await send(t, strict, '--max-groups 1 --by dest,name,daddr,family');
  assert.equal(code, 0);
  const attributesOf = (wanted: string) =>
    metricsIn((receiver.got[0] as { body: string }).body).flatMap((one) =>
      one.name === wanted ? pointsOf(one).map(({ attributes }) => valuesOf(attributes)) : [],
    );
  assert.deepEqual(attributesOf('synpipe.syn_retransmits'), [
    {
      'server.address': 'www.example.com',
      'synpipe.name': 'www.example.com',
      'network.peer.address': '192.0.2.1',
      'network.type': 'ipv4',
    },
  ]);
  assert.deepEqual(attributesOf('synpipe.failed_lookups'), [
    { 'otel.metric.overflow': true, 'error.type': 'NXDOMAIN' },
  ]);
});

test('the numbers are sent regularly and after an outage, as totals since the start', async (t) => {
  const receiver = await Receiver.start(t, strict);
  const { child, ended } = start(t, ['sink-metrics', '--every', '20ms', receiver.url], folder(t));
  const attempts = () => {
    const body = receiver.got.at(-1)?.body;
    const points = body ? metricsIn(body).flatMap((one) => (one.name === 'synpipe.attempts' ? pointsOf(one) : [])) : [];
    return points.reduce((sum, { asInt }) => sum + Number(asInt), 0);
  };
  child.stdin?.write(ndjson(...traffic));
  await until('the numbers', () => attempts() === 7);
  await receiver.down();
  child.stdin?.write(ndjson(...traffic));
  const before = receiver.got.length;
  await receiver.up();
  await until('the numbers after the outage', () => receiver.got.length > before && attempts() === 14);
  receiver.behaviour = (_, response) => response.writeHead(503, { 'retry-after': '0' }).end();
  const failing = receiver.got.length;
  await until('some failures', () => receiver.got.length > failing + 1);
  receiver.behaviour = strict;
  child.stdin?.end(ndjson(...traffic));
  assert.equal((await ended).code, 0);
  assert.equal(attempts(), 21);
  const starts = receiver.got.flatMap(({ body }) =>
    metricsIn(body).flatMap((one) =>
      pointsOf(one).map((point) => JSON.stringify([one.name, point.attributes, point.startTimeUnixNano])),
    ),
  );
  const last = metricsIn(receiver.got.at(-1)?.body as string).flatMap(pointsOf);
  assert.equal(new Set(starts).size, last.length, 'each series keeps its start time');
});

test('a receiver that rejects the numbers ends the sink, at the end of input or before', async (t) => {
  const reject: Behaviour = (_, response) => response.writeHead(404).end('no such page');
  const { code, stderr } = await send(t, reject);
  assert.deepEqual(
    [code, stderr],
    [1, 'sink-metrics: the receiver rejected the metrics: 404 no such page; fix the cause\n'],
  );
  const receiver = await Receiver.start(t, reject);
  const dir = folder(t);
  execFileSync('mkfifo', [join(dir, 'in')]);
  const input = openSync(join(dir, 'in'), 'r+'); // it stays open, and nothing more comes
  undo(t, () => closeSync(input));
  const { ended } = start(t, ['sink-metrics', '--every', '10ms', receiver.url], dir, [input, 'pipe', 'pipe']);
  writeSync(input, ndjson(...traffic));
  assert.equal((await ended).code, 1);
  assert.equal(receiver.got.length, 1);
});

test('part of the numbers is rejected: that is reported once', async (t) => {
  const partly: Behaviour = (_, response) =>
    response.writeHead(200).end('{"partialSuccess":{"rejectedDataPoints":"3","errorMessage":"too old"}}');
  const { code, stderr } = await send(t, partly);
  assert.deepEqual([code, stderr], [0, 'sink-metrics: the receiver rejected 3 numbers: too old\n']);
});

test('the last numbers are not accepted in time: exit code 1, with the reason; SIGTERM leads there too', async (t) => {
  const busy: Behaviour = (_, response) => response.writeHead(429).end();
  const { code, stderr } = await send(t, busy, '--timeout 3s');
  assert.deepEqual(
    [code, stderr.split('\n').at(-2)],
    [1, 'sink-metrics: the last numbers were not delivered to URL/v1/metrics: 429; see --timeout'],
  );
  const receiver = await Receiver.start(t, strict);
  const { child, ended } = start(t, ['sink-metrics', '--every', '300ms', receiver.url], folder(t));
  child.stdin?.write(ndjson(...traffic));
  await until('the first numbers', () => receiver.got.length > 0);
  child.kill('SIGTERM');
  const before = receiver.got.length;
  await ended;
  assert.ok(receiver.got.length > before);
});

test('SIGHUP reads the token again', async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, 'token'), 'first');
  const receiver = await Receiver.start(t, strict);
  const { child } = start(t, ['sink-metrics', '--every', '10ms', '--auth-file', 'token', receiver.url], dir);
  child.stdin?.write(ndjson(...traffic));
  const last = () => receiver.got.at(-1)?.request.headers.authorization;
  await until('the token', () => last() === 'Bearer first');
  writeFileSync(join(dir, 'token'), 'second');
  child.kill('SIGHUP');
  await until('the new token', () => last() === 'Bearer second');
});

test('attributes have the names that to-otel uses', () => {
  const { outcome = {}, dns = {}, summary = {} } = otelFields;
  const ofOutcome: typeof outcome = { ...outcome, ...(summary.dest && { dest: summary.dest }) };
  for (const [field, name] of attributeNames) assert.ok(name in (ofOutcome[field] ?? {}), `${field}: ${name}`);
  for (const [field, name] of lookupNames)
    assert.ok(name in (dns[field === 'dest' ? 'name' : field] ?? {}), `${field}: ${name}`);
  const convention = readFileSync(new URL('../../support/otel-1.44.0.tsv', import.meta.url), 'utf8');
  for (const name of [...attributeNames.values(), ...lookupNames.values()])
    assert.match(convention, new RegExp(`^${name}\t`, 'm'));
  for (const [field, targets] of Object.entries(outcome)) {
    const names = Object.keys(targets).filter((name) => name !== 'timeUnixNano');
    if (names.length > 0) assert.ok(attributeNames.has(field), `${field} has a name in to-otel`);
  }
});
