import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The fields of struct attempt_event (bpf/attempt.h) that a case sets; the others are zero. */
interface Fields {
  kind?: number;
  via?: number;
  family?: number;
  mapped?: number;
  saddr?: number[];
  daddr?: number[];
  sport?: number;
  error?: number;
  established?: number;
  cgroup?: bigint;
  took?: bigint;
  comm?: string;
  exe?: string;
  deleted?: number;
}

const began = 1_763_885_730_123_456_789n; // 2025-11-23T08:15:30.123456789Z
function record(given: Fields): Buffer {
  const { kind = 1, via = 0, family = 4, mapped = 0, saddr = [], daddr = [127, 0, 0, 1], sport = 0 } = given;
  const bytes = Buffer.alloc(392);
  [1n << 63n, began, began + (given.took ?? 0n), given.cgroup ?? 0n].forEach((value, i) => {
    bytes.writeBigUInt64LE(value, 8 * i);
  });
  [1234, 1236, 1, 1000, 4294967295, 4026531840].forEach((value, i) => {
    bytes.writeUInt32LE(value, 32 + 4 * i);
  });
  bytes.set(saddr, 56);
  bytes.set(daddr, 72);
  bytes.writeUInt16LE(sport, 88);
  bytes.writeUInt16LE(443, 90);
  bytes.set([family, mapped], 92);
  bytes.writeUInt16LE(given.error ?? 0, 96);
  bytes.writeUInt16LE(given.exe?.length ?? 0, 98);
  bytes.set([kind, via, given.established ?? 0, given.deleted ?? 0], 100);
  bytes.write(given.comm ?? 'curl', 104, 16, 'latin1');
  bytes.write('main', 120, 16, 'latin1');
  bytes.write(given.exe ?? '', 136, 256, 'latin1');
  return bytes;
}

const v6 = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
const plain = '"family":4,"daddr":"127.0.0.1","dport":443,"via":"connect"';
const outcome = (error: number, established = 0) => ({ kind: 2, error, established, took: 1_500_999n });
/** What each makes of the line: all of it, or the part that it is about. */
const cases: [string, Fields, string][] = [
  [
    'a whole line',
    { saddr: [10, 0, 0, 2], sport: 40312, cgroup: 9213n, exe: 'curl\0bin\0usr\0' },
    '{"type":"connect","v":1,"seq":1,"ts":"2025-11-23T08:15:30.123456Z","id":"9223372036854775808","pid":1234,"tid":1236,"ppid":1,"uid":1000,"gid":4294967295,"comm":"curl","pcomm":"main","exe":"/usr/bin/curl","netns":4026531840,"cgroup":"9213","family":4,"saddr":"10.0.0.2","sport":40312,"daddr":"127.0.0.1","dport":443,"via":"connect"}',
  ],
  ['IPv6', { family: 6, daddr: v6, saddr: v6 }, '"family":6,"saddr":"2001:db8::7","daddr":"2001:db8::7"'],
  ['IPv4-mapped', { mapped: 1 }, '"family":4,"v4mapped":true,"daddr":"127.0.0.1"'],
  ['io_uring', { via: 2 }, '"via":"io_uring"}'],
  ['a name of any bytes', { comm: 'a"\\\n\x1b\x7f\xff\xc3\xa9' }, '"comm":"a\\"\\\\\\n\\u001b\\u007f\ufffdé","pcomm"'],
  ['a name without an end', { comm: '0123456789abcdef' }, '"comm":"0123456789abcde'],
  ['a program that is gone', { exe: 'x\0', deleted: 1 }, '"exe":"/x (deleted)"'],
  ['the longest path', { exe: `${'\x01'.repeat(255)}\0` }, `"exe":"/${'\\u0001'.repeat(255)}"`],
  ['an error', { error: 111 }, `${plain},"errno":111,"error":"ECONNREFUSED"}`],
  ['an error without a name', { error: 4000 }, `${plain},"errno":4000,"error":"E4000"}`],
  ['established', outcome(0, 1), '"result":"established","latency_us":1500}'],
  ['refused', outcome(111), '"result":"refused","errno":111,"error":"ECONNREFUSED","latency_us":1500}'],
  ['timeout', outcome(110), '"result":"timeout","errno":110,"error":"ETIMEDOUT"'],
  ['unreachable', outcome(113), '"result":"unreachable","errno":113,"error":"EHOSTUNREACH"'],
  ['reset', outcome(104), '"result":"reset","errno":104,"error":"ECONNRESET"'],
  ['denied', outcome(1), '"result":"denied","errno":1,"error":"EPERM"'],
  ['aborted', outcome(0), '"result":"aborted","latency_us":1500}'],
  ['another error', outcome(22), '"result":"error","errno":22,"error":"EINVAL"'],
];

describe('the formatter, under ASan and UBSan', () => {
  const folder = mkdtempSync(join(tmpdir(), 'format-'));
  let lines: string[] = [];
  before(() => {
    const flags = ['-std=c++17', '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
    const sources = [here('format.cc'), here('../../collector/format.cc')];
    const built = spawnSync('clang++', [...flags, `-I${here('../../bpf')}`, ...sources, '-o', join(folder, 'format')]);
    assert.equal(built.status, 0, String(built.stderr));
    const input = Buffer.concat(cases.map(([, fields]) => record(fields)));
    const { status, stdout, stderr } = spawnSync(join(folder, 'format'), { input, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    lines = stdout.split('\n');
  });
  after(() => rmSync(folder, { recursive: true }));

  for (const [i, [name, , wanted]] of cases.entries())
    test(name, () => {
      const line = lines[i] as string;
      assert.ok(line.includes(wanted), `${wanted} is not in ${line}`);
      assert.equal(JSON.parse(line).seq, i + 1);
    });
  test('a loss', () => {
    const wanted =
      '{"type":"lost","v":1,"ts":"2025-11-23T08:15:30.124957Z","stage":"collector","where":"ring buffer","count":17}';
    assert.deepEqual(lines.slice(cases.length), [wanted, '']);
  });
});
