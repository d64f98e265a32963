/** Receivers that store part of a batch: the part is counted as stored, and only the rest as lost. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect, ndjson } from '../../support/events.js';
import { folder } from '../../support/process.js';
import { type Behaviour, Receiver } from '../../support/receiver.js';
import { elasticsearch, loki } from '../../support/receivers.js';
import { shell } from '../../support/shell.js';

/** Events of which some, by position, go to other ports. */
const events = (ports: Record<number, number>, count = 20) =>
  Array.from({ length: count }, (_, at) => connect({ seq: at + 1, dport: ports[at] ?? 443 }));
const eight = { 1: 13, 3: 13, 4: 13, 8: 13, 9: 13, 10: 13, 18: 13, 19: 13 };

/** Runs sink-http. Returns its stderr, its last status and the dead letters. */
async function send(t: TestContext, behaviour: Behaviour, options: string, input: object[]) {
  const dir = folder(t);
  const receiver = await Receiver.start(t, behaviour);
  const line = `sink-http --timeout 1s ${options} --status ${receiver.url} > out; code=$?; tail -n 1 out; exit $code`;
  const { code, stderr, stdout } = await shell(line, dir, ndjson(...input));
  const { in: read, out = 0, lost = 0 } = JSON.parse(stdout);
  const said = stderr.replaceAll(`${receiver.url}/`, 'URL/');
  return { code, said, counts: [read, out, lost], requests: receiver.got.length, dir };
}

test('elasticsearch: if 8 of 20 are refused at the end, 12 are stored and 8 are not delivered', async (t) => {
  const { stored, behaviour } = elasticsearch('synpipe');
  const { code, said } = await send(t, behaviour, '--preset elasticsearch', events(eight));
  assert.equal(stored.length, 12);
  assert.equal(code, 1);
  assert.match(
    said,
    /^sink-http: 8 lines not delivered\nsink-http: the receiver rejected events: 400 document_parsing/,
  );
});

test('elasticsearch: if 8 of 20 are deferred until time runs out, 12 are stored and 8 are not delivered', async (t) => {
  const { stored, behaviour } = elasticsearch('synpipe');
  const putOff: Behaviour = (got, response, nth) => {
    if (nth === 0) behaviour(got, response, nth);
    else response.writeHead(503).end();
  };
  const input = events(Object.fromEntries(Object.keys(eight).map((at) => [at, 80])));
  const { code, said } = await send(t, putOff, '--preset elasticsearch', input);
  assert.equal(stored.length, 12);
  assert.equal(code, 1);
  assert.match(said, /\nsink-http: 8 lines not delivered to /);
});

test('a batch that is too large is split, and one half is refused', async (t) => {
  const halves: Behaviour = ({ body }, response) => {
    const ports = body
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).dport);
    response.writeHead(ports.length > 10 ? 413 : ports.includes(13) ? 400 : 200).end();
  };
  const { code, said } = await send(t, halves, '', events({ 12: 13 }));
  assert.equal(code, 1);
  assert.match(said, /^sink-http: 10 lines not delivered\n/);
});

for (const [who, port] of [
  ['an ingester', 13],
  ['the distributor', 14],
] as const) {
  test(`loki: ${who} ignores 1 of 5, or 12 of 20`, async (t) => {
    for (const [count, ports] of [
      [5, { 2: port }],
      [20, Object.fromEntries(Array.from({ length: 12 }, (_, at) => [at, port]))],
    ] as const) {
      const bad = Object.keys(ports).length;
      const { stored, behaviour } = loki();
      const input = events(ports, count);
      const kept = await send(t, behaviour, '--preset loki --on-reject no.ndjson', input);
      assert.equal(stored.length, count - bad);
      assert.deepEqual([kept.code, kept.counts, kept.requests], [0, [count, count - bad, bad], 1]);
      assert.equal(kept.said, `sink-http: ${bad} ${bad === 1 ? 'line' : 'lines'} rejected by the receiver\n`);
      const { reason, count: dead } = JSON.parse(readFileSync(join(kept.dir, 'no.ndjson'), 'utf8'));
      assert.deepEqual([dead, /^400 .*(ignored|too old)/.test(reason)], [bad, true]);
      const failed = await send(t, loki().behaviour, '--preset loki', input);
      assert.equal(failed.code, 1);
      assert.match(failed.said, new RegExp(`^sink-http: ${bad} lines? not delivered\n`));
    }
  });
}

test('loki: invalid labels refuse the whole batch', async (t) => {
  const { behaviour } = loki();
  const long = `x=${'y'.repeat(300)}`;
  const { counts } = await send(t, behaviour, `--preset loki --label ${long} --on-reject drop`, events({}));
  assert.deepEqual(counts, [20, 0, 20]);
});
