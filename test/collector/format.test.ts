import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Fields, record } from './records.js';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Linux errors that Node has no name for. */
const errorName = (error: number) =>
  ({ 64: 'ENONET', 112: 'EHOSTDOWN', 92: 'ENOPROTOOPT' })[error] ??
  Object.entries(constants.errno).find(([name, number]) => number === error && name !== 'ENOTSUP')?.[0];
const v6 = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
const plain = '"family":4,"daddr":"127.0.0.1","dport":443,"via":"connect"';
const outcome = (error: number, established = 0) => ({ kind: 2, error, established, took: 1_500_999n });
const pending: Fields = { kind: 4, took: 1_000_312_999n };
const gateway = [192, 0, 2, 1];
const icmp4 = (code: number, type = 3) => ({ family: 4, from: gateway, type, code });
const icmp6 = (code: number, type = 1) => ({ family: 6, from: v6, type, code });
const rejected4 = (error: number, result: string, code: number, name: string, type = 3): [string, Fields, string] => [
  `ICMP ${type}/${code}`,
  { ...outcome(error), icmp: icmp4(code, type) },
  `"result":"${result}","errno":${error},"error":"${errorName(error)}","icmp":"${name}","icmp_from":"192.0.2.1","latency_us":1500}`,
];
const rejected6 = (error: number, result: string, code: number, name: string, type = 1): [string, Fields, string] => [
  `ICMPv6 ${type}/${code}`,
  { ...outcome(error), family: 6, daddr: v6, icmp: icmp6(code, type) },
  `"result":"${result}","errno":${error},"error":"${errorName(error)}","icmp":"${name}","icmp_from":"2001:db8::7","latency_us":1500}`,
];
/** Each record, and its expected line: all of it, or the relevant part. */
const cases: [string, Fields, string][] = [
  [
    'a whole line',
    { saddr: [10, 0, 0, 2], sport: 40312, cgroup: 9213n, exe: 'curl\0bin\0usr\0' },
    '{"type":"connect","v":1,"seq":1,"ts":"2025-11-23T08:15:30.123456Z","id":"9223372036854775808","pid":1234,"tid":1236,"ppid":1,"uid":1000,"gid":4294967295,"comm":"curl","pcomm":"main","exe":"/usr/bin/curl","netns":4026531840,"cgroup":"9213","family":4,"saddr":"10.0.0.2","sport":40312,"daddr":"127.0.0.1","dport":443,"via":"connect"}',
  ],
  ['IPv6', { family: 6, daddr: v6, saddr: v6 }, '"family":6,"saddr":"2001:db8::7","daddr":"2001:db8::7"'],
  ['IPv4-mapped', { mapped: 1 }, '"family":4,"v4mapped":true,"daddr":"127.0.0.1"'],
  ['in a PID namespace', { nspid: 7 }, '"pid":1234,"nspid":7,"tid":1236'],
  ['io_uring', { via: 2 }, '"via":"io_uring"}'],
  [
    'a name with arbitrary bytes',
    { comm: 'a"\\\n\x1b\x7f\xff\xc3\xa9' },
    '"comm":"a\\"\\\\\\n\\u001b\\u007f\ufffdé","pcomm"',
  ],
  ['a name without a terminating NUL', { comm: '0123456789abcdef' }, '"comm":"0123456789abcde'],
  ['a deleted program', { exe: 'x\0', deleted: 1 }, '"exe":"/x (deleted)"'],
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
  [
    'the times of an outcome: the end and the call',
    outcome(0, 1),
    '"ts":"2025-11-23T08:15:30.124957Z","start":"2025-11-23T08:15:30.123456Z","id":',
  ],
  [
    'SYNs sent again',
    { ...outcome(110), retransmits: 6 },
    '"result":"timeout","errno":110,"error":"ETIMEDOUT","latency_us":1500,"retransmits":6}',
  ],
  ['SYNs sent again, of a connect', { retransmits: 6 }, `${plain}}`],
  [
    'a dropped packet',
    { ...outcome(110), retransmits: 6, dropped: { at: 2n, count: 7, reason: 2 }, existing: 1 },
    '"latency_us":1500,"retransmits":6,"drop_reason":"2","drop_count":7,"drop_at":"OUTPUT","existing":true}',
  ],
  [
    "a subsystem's reason, at an unknown place",
    { ...outcome(110), dropped: { at: 0xffffffff81234567n, count: 1, reason: (9 << 16) | 3 } },
    '"latency_us":1500,"drop_reason":"9:3","drop_count":1}',
  ],
  [
    'at a function whose name was sent before',
    { ...outcome(110), dropped: { at: 0xffffffff81000001n, count: 1, reason: 2 } },
    '"drop_reason":"2","drop_count":1,"drop_at":"nft_do_chain"}',
  ],
  [
    'at a function with a long name',
    { ...outcome(110), dropped: { at: 0xffffffff81000002n, count: 1, reason: 2 } },
    `"drop_at":"${'x'.repeat(63)}"}`,
  ],
  ['at a hook that does not exist', { ...outcome(110), dropped: { at: 4n, count: 1, reason: 2 } }, '"drop_count":1}'],
  ['existing', { ...outcome(0, 1), existing: 1 }, '"latency_us":1500,"existing":true}'],
  ['existing, of a connect', { existing: 1 }, `${plain}}`],
  [
    'a whole pending line',
    {
      ...pending,
      saddr: [10, 0, 0, 2],
      sport: 40312,
      retransmits: 1,
      existing: 1,
      icmp: icmp4(1),
      exe: 'curl\0bin\0',
      cgroup: 1n,
    },
    '{"type":"pending","v":1,"seq":SEQ,"ts":"2025-11-23T08:15:31.123769Z","start":"2025-11-23T08:15:30.123456Z","id":"9223372036854775808","pid":1234,"tid":1236,"ppid":1,"uid":1000,"gid":4294967295,"comm":"curl","pcomm":"main","exe":"/bin/curl","netns":4026531840,"cgroup":"1","family":4,"saddr":"10.0.0.2","sport":40312,"daddr":"127.0.0.1","dport":443,"via":"connect","result":"pending","icmp":"host-unreachable","icmp_from":"192.0.2.1","waited_us":1000312,"retransmits":1,"existing":true}',
  ],
  ['pending has no error', { ...pending, error: 111 }, `${plain},"result":"pending","waited_us":1000312}`],
  [
    'pending, of no process',
    { ...pending, pid: 0, existing: 1, exe: 'curl\0' },
    '"id":"9223372036854775808","netns":4026531840,"family":4',
  ],
  [
    'outcome, of no process',
    { ...outcome(110), pid: 0, existing: 1 },
    '"id":"9223372036854775808","netns":4026531840,"family":4',
  ],
  ['connect, by process 0', { pid: 0 }, '"id":"9223372036854775808","pid":0,"tid":1236'],
  [
    'established in spite of an ICMP error',
    { ...outcome(0, 1), icmp: icmp4(13) },
    '"result":"established","latency_us":1500}',
  ],
  ['an ICMP error, of a connect', { icmp: icmp4(13) }, `${plain}}`],
  [
    'a whole closed line',
    {
      kind: 8,
      took: 5_000_999n,
      established: 1,
      retransmits: 1,
      error: 104,
      life: { after: 2_000_500n, sent: 1448n, received: 12n, segs: 3, srtt: 410, min: 35, by: 2, exiting: 1 },
    },
    `${plain},"closed_by":"remote","exiting":true,"errno":104,"error":"ECONNRESET","latency_us":2000,"retransmits":1,"duration_us":3000,"bytes_sent":1448,"bytes_received":12,"segs_retransmitted":3,"srtt_us":410,"min_rtt_us":35}`,
  ],
  ...['local', 'remote', 'reset_sent', 'reset_received', 'timeout', 'killed'].map(
    (name, i): [string, Fields, string] => [
      `closed: ${name}`,
      { kind: 8, life: { by: i + 1 } },
      `${plain},"closed_by":"${name}","bytes_sent":0,"bytes_received":0}`,
    ],
  ),
  [
    'an open line, open before the start',
    { kind: 16, start: 0n, existing: 1, life: { sent: 1n, received: 2n, by: 1 }, error: 104 },
    `"id":"9223372036854775808","pid":1234`,
  ],
  [
    'an open line ends with existing',
    { kind: 16, start: 0n, existing: 1, life: { sent: 1n, received: 2n, by: 1 }, error: 104 },
    `${plain},"bytes_sent":1,"bytes_received":2,"existing":true}`,
  ],
  [
    'figures that cannot be right',
    { kind: 8, life: { by: 1, sent: (1n << 64n) - 1n, received: (1n << 53n) - 1n } },
    '"bytes_sent":0,"bytes_received":9007199254740991}',
  ],
  ['a clock that was set back', { ...outcome(111), took: -1_000_000n }, '"latency_us":0}'],
  ...[
    rejected4(101, 'unreachable', 0, 'net-unreachable'),
    rejected4(113, 'unreachable', 1, 'host-unreachable'),
    rejected4(92, 'error', 2, 'protocol-unreachable'),
    rejected4(111, 'refused', 3, 'port-unreachable'),
    rejected4(90, 'error', 4, 'fragmentation-needed'),
    rejected4(95, 'error', 5, 'source-route-failed'),
    rejected4(101, 'unreachable', 6, 'net-unknown'),
    rejected4(112, 'unreachable', 7, 'host-unknown'),
    rejected4(64, 'unreachable', 8, 'host-isolated'),
    rejected4(101, 'denied', 9, 'net-prohibited'),
    rejected4(113, 'denied', 10, 'host-prohibited'),
    rejected4(101, 'unreachable', 11, 'net-unreachable-for-tos'),
    rejected4(113, 'unreachable', 12, 'host-unreachable-for-tos'),
    rejected4(113, 'denied', 13, 'admin-prohibited'),
    rejected4(113, 'unreachable', 14, 'precedence-violation'),
    rejected4(113, 'unreachable', 15, 'precedence-cutoff'),
    rejected4(113, 'unreachable', 16, 'type-3-code-16'),
    rejected4(113, 'unreachable', 0, 'time-exceeded', 11),
    rejected4(71, 'error', 0, 'parameter-problem', 12),
    rejected4(113, 'unreachable', 255, 'type-4-code-255', 4),
    rejected6(101, 'unreachable', 0, 'no-route'),
    rejected6(13, 'denied', 1, 'admin-prohibited'),
    rejected6(113, 'unreachable', 2, 'beyond-scope'),
    rejected6(113, 'unreachable', 3, 'addr-unreachable'),
    rejected6(111, 'refused', 4, 'port-unreachable'),
    rejected6(13, 'denied', 5, 'policy-fail'),
    rejected6(13, 'denied', 6, 'reject-route'),
    rejected6(71, 'error', 7, 'type-1-code-7'),
    rejected6(90, 'error', 0, 'packet-too-big', 2),
    rejected6(113, 'unreachable', 0, 'time-exceeded', 3),
    rejected6(71, 'error', 1, 'parameter-problem', 4),
    rejected6(71, 'error', 0, 'type-100-code-0', 100),
  ],
];

describe('the formatter, under ASan and UBSan', () => {
  const folder = mkdtempSync(join(tmpdir(), 'format-'));
  let lines: string[] = [];
  before(() => {
    const flags = ['-std=c++17', '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
    const sources = [
      here('format.cc'),
      ...['format', 'drop_names', 'event_names'].map((name) => here(`../../collector/${name}.cc`)),
    ];
    const built = spawnSync('clang++', [
      ...flags,
      `-I${here('../../bpf')}`,
      ...sources,
      '-o',
      join(folder, 'format'),
      '-lbpf',
    ]);
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
      assert.ok(line.includes(wanted.replace('SEQ', String(i + 1))), `${wanted} is not in ${line}`);
      assert.equal(JSON.parse(line).seq, i + 1);
    });
  test('a lost event', () => {
    const wanted =
      '{"type":"lost","v":1,"ts":"2025-11-23T08:15:30.124957Z","stage":"collector","where":"ring buffer","count":17}';
    assert.deepEqual(lines.slice(cases.length), [wanted, '']);
  });
});
