import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { Line } from '../../../schemas/pipe/line/line.js';
import { where } from '../../../schemas/where/where.js';
import { someEvent } from '../../support/where.js';

const pairs: [where: string, jq: string][] = [
  ['dport == 443', '.dport == 443'],
  ['dport != 443', '.dport != 443'],
  ['uid != 0', '.uid != null and .uid != 0'],
  ['not uid == 0', '.uid != 0'],
  ['uid < 1', '.uid != null and .uid < 1'],
  ['pid <= 1', '.pid <= 1'],
  ['dport > 80 and dport >= 443', '.dport > 80 and .dport >= 443'],
  ['dport in (22, 80-443)', '.dport == 22 or (.dport >= 80 and .dport <= 443)'],
  ['uid not in (0, 2)', '.uid != null and ([.uid] | inside([0, 2]) | not)'],
  ['latency_us > 100ms', '.latency_us != null and .latency_us > 100000'],
  ['latency_us in 500us-1s', '.latency_us != null and .latency_us >= 500 and .latency_us <= 1000000'],
  ['type == pending and waited_us >= 100ms', '.type == "pending" and .waited_us >= 100000'],
  ['result == pending', '.result == "pending"'],
  ['start < 2026-11-23T08:15:30.5Z', '.start != null and .start < "2026-11-23T08:15:30.500000Z"'],
  ['comm == curl', '.comm == "curl"'],
  ['comm == "a \\"b\\""', '.comm == "a \\"b\\""'],
  ["comm in (curl, 'it\\'s', '\\\\')", '.comm | IN("curl", "it\'s", "\\\\")'],
  ['name =~ "^[cn]"', '.name // "" | test("^[cn]")'],
  ['name =~ /^CURL$/i', '.name // "" | test("^CURL$"; "i")'],
  ['name !~ "u"', '.name != null and (.name | test("u") | not)'],
  ['name', 'has("name")'],
  ['not v4mapped', 'has("v4mapped") | not'],
  ['names == curl', '.names // [] | any(. == "curl")'],
  ['names != curl', '.names != null and (.names | all(. != "curl"))'],
  ['names =~ "^.?url"', '.names // [] | any(test("^.?url"))'],
  ['type == outcome and result in (refused, timeout)', '.type == "outcome" and (.result | IN("refused", "timeout"))'],
  ['error == ECONNREFUSED or uid == 1 and pid == 0', '.error == "ECONNREFUSED" or (.uid == 1 and .pid == 0)'],
  ['(error == ECONNREFUSED || uid == 1) && !(pid == 0)', '(.error == "ECONNREFUSED" or .uid == 1) and .pid != 0'],
  ['ts >= 2026-11-23T08:15:30.5Z', '.ts >= "2026-11-23T08:15:30.500000Z"'],
  ['daddr in (10.0.0.0/8, 192.0.2.0/24)', '.daddr | test("^(::ffff:)?10\\\\.|^192\\\\.0\\\\.2\\\\.")'],
  ['.team == "curl"', '.team == "curl"'],
  ['.team == 3', '.team == 3 or .team == "3"'],
  ['.team', 'has("team")'],
  ['."a b" != "curl"', 'has("a b") and ."a b" != "curl"'],
  ['.zone < 3', '(.zone | type) == "number" and .zone < 3'],
];

test('jq gives the same answers', () => {
  const events = fc.sample(someEvent, { numRuns: 1000, seed: 1 });
  const input = events.map((event) => `${JSON.stringify(event)}\n`).join('');
  const jq = spawnSync('jq', ['-c', `[${pairs.map(([, program]) => `(${program})`).join(', ')}]`], {
    input,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  assert.equal(jq.stderr, '');
  const answers = jq.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as boolean[]);
  assert.equal(answers.length, events.length);
  const line = new Line();
  for (const [at, [expression, program]] of pairs.entries()) {
    const holds = where(expression);
    const seen = new Set<boolean>();
    events.forEach((event, i) => {
      const bytes = Buffer.from(JSON.stringify(event));
      assert.equal(line.take(bytes, 0, bytes.length), undefined);
      const answer = answers[i]?.[at] as boolean;
      seen.add(answer);
      assert.equal(holds(line), answer, `${expression}\n${program}\n${bytes}`);
    });
    assert.equal(seen.size, 2, `${expression}: holds for some events, but not for all`);
  }
});
