import { readFileSync } from 'node:fs';
import { root } from '../shell.js';

const sample = `${root}dist/collector/replay/sample.ndjson`;

/** Fields that the pages filter by and the sample lacks. */
const chosen = [
  {
    daddr: '198.51.100.20',
    dport: 443,
    name: 'ec2-198-51-100-20.compute.amazonaws.com',
    name_source: 'dns',
    result: 'established',
  },
  { daddr: '10.1.2.3', dport: 8080, container: '4f1c0a9d3b5e', result: 'refused', errno: 111, error: 'ECONNREFUSED' },
  {
    daddr: '198.51.100.21',
    dport: 25,
    name: 'mail.example.com',
    name_source: 'dns',
    user: 'www-data',
    result: 'timeout',
    latency_us: 3e6,
  },
  {
    daddr: '198.51.100.22',
    dport: 22,
    result: 'denied',
    errno: 113,
    error: 'EHOSTUNREACH',
    icmp: 'admin-prohibited',
    icmp_from: '198.51.100.1',
  },
  {
    type: 'pending',
    daddr: '198.51.100.23',
    dport: 443,
    result: 'pending',
    start: '2026-11-23T08:00:00.000000Z',
    waited_us: 4_100_000,
  },
];

/** Failed look-ups, which the sample lacks: a name that does not exist, one tried by a search list, and silence. */
const failures = [
  { name: 'gone.example.com', qtype: 'A', rcode: 'NXDOMAIN', error: 'NXDOMAIN', latency_us: 700 },
  { name: 'db.svc.example.com', qtype: 'A', rcode: 'NXDOMAIN', error: 'NXDOMAIN', search: true, latency_us: 600 },
  { name: 'slow.example.com', qtype: 'AAAA', error: 'TIMEOUT', attempts: 2, latency_us: 5_000_000 },
].map((fields) => ({
  ...{ type: 'dns', v: 1, seq: 320, ts: '2026-11-28T16:48:51.800000Z', pid: 8938, comm: 'python3', pcomm: 'python3' },
  ...{ ...fields, server: '192.0.2.53', transport: 'udp' },
}));

/** The recording that the package ships, plus events so that each filter on the pages passes some. */
export function events(): string {
  const lines = readFileSync(sample, 'utf8').trimEnd().split('\n');
  const base = JSON.parse(lines.findLast((line) => line.includes('"outcome"')) as string);
  const more = chosen.map((fields, i) => ({ ...base, latency_us: 2_000, ...fields, id: String(i + 1) }));
  return [...lines, ...[...more, ...failures].map((event) => JSON.stringify(event)), ''].join('\n');
}
