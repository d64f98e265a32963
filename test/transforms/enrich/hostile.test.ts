import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sinkTable } from '../../../sinks/table.js';
import { enrich } from '../../../transforms/enrich.js';
import { asked, flags, message, name, question, record } from '../../support/dns.js';
import { connect, ndjson } from '../../support/events.js';
import { runStage } from '../../support/memory.js';
import { responder } from '../../support/responder.js';

const bytes = (maxLength: number) =>
  fc.uint8Array({ minLength: 1, maxLength, size: 'max' }).map((all) => Buffer.from(all));
/** Terminal control sequences, and bytes that may break out of a JSON string or a line. */
const nasty = fc
  .constantFrom('\u001b[31m', '\u001b]0;x\u0007', '\u009b2J', '"', '\\', '\n{"type":"lost"}', '\u007f', '\0', '‮', '€')
  .map((text) => Buffer.from(text));
const labels = fc.array(fc.oneof(bytes(40), nasty), { minLength: 1, maxLength: 5 });

/** Returns the events with their names, and the table that sink-table shows. */
async function table(given: object, input: string): Promise<{ out: string; table: string }> {
  const { out, bad } = await runStage(enrich({ with: 'names', etc: '/nonexistent', ...given } as never), [
    Buffer.from(input),
  ]);
  assert.deepEqual(bad, []);
  let table = '';
  const print = (line: string) => {
    table += `${line}\n`;
  };
  const shown = await runStage(sinkTable({ print }), [Buffer.from(out)]);
  assert.deepEqual(shown.bad, [], "enrich's output is valid");
  return { out, table };
}

test('replies with arbitrary, altered or cut bytes: each event passes, and no control characters are shown', async (t) => {
  const server = await responder(t);
  let left: { labels: Buffer[][]; bend: [number, number][]; cut: number }[] = [];
  server.reply = (query) => {
    const { labels = [], bend = [], cut = 0 } = left.shift() ?? {};
    const reply = message({
      id: query.id as number,
      flags: flags.answer,
      questions: [question(name(query.questions?.[0]?.name as string), 'PTR')],
      answers: labels.map((parts) => record({ owner: asked, type: 'PTR', data: name(parts) })),
    });
    for (const [at, byte] of bend) reply[12 + (at % (reply.length - 12))] = byte;
    return [reply.subarray(0, reply.length - cut)];
  };
  const reply = fc.record({
    labels: fc.array(labels, { minLength: 1, maxLength: 4 }),
    bend: fc.oneof(
      { weight: 3, arbitrary: fc.constant<[number, number][]>([]) },
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }),
    ),
    cut: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(30)),
  });
  let named = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(reply, { minLength: 1, maxLength: 20, size: 'max' }), async (replies) => {
      left = [...replies];
      const events = replies.map((_, i) => connect({ seq: i + 1, id: String(i), daddr: `192.0.2.${i}` }));
      const run = await table({ resolver: server.address, wait: '30000ms', timeout: '50ms' }, ndjson(...events));
      const got = run.out.trimEnd().split('\n');
      assert.deepEqual(
        got.map((line) => JSON.parse(line).seq),
        events.map(({ seq }) => seq),
      );
      for (const line of got) if (line.includes('"name_source":"ptr"')) named++;
      assert.match(run.out, /^[\x20-\x7e\n]*$/);
      assert.match(run.table, /^[\x20-\x7e\n]*$/);
      assert.equal(run.table.split('\n').length, events.length + 2);
    }),
    { numRuns: 60 },
  );
  assert.ok(named > 100, `${named} were named`);
});

test('names of dns events may be any text: none shows a control character', async () => {
  const asked = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 60, size: 'max' }),
    nasty.map((one) => `${one}.example`),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(asked, { minLength: 1, maxLength: 20, size: 'max' }), async (all) => {
      const ts = '2026-11-23T08:15:29.000000Z';
      const events = all.flatMap((name, i) => [
        { type: 'dns', v: 1, ts, name, addrs: [`192.0.2.${i}`], ttl: 60 },
        connect({ seq: i + 1, id: String(i), daddr: `192.0.2.${i}` }),
      ]);
      const run = await table({ offline: true }, ndjson(...events));
      assert.match(run.out, /^[\x20-\x7e\n]*$/);
      assert.match(run.table, /^[\x20-\x7e\n]*$/);
      assert.equal(run.table.split('\n').length, all.length + 2);
    }),
    { numRuns: 200 },
  );
});
