/*
 * Runs in a guest: collector --dns, and beside it bcc's tcpconnect -d with SYNPIPE_VM_BCC=1 where it works. Prints one
 * JSON object, a DnsReport.
 */
import { once } from 'node:events';
import { release } from 'node:os';
import { dnsIn, seeing, told } from '../live/answers.js';
import { Collector, connects, lostIn } from '../live/collect.js';
import { knot, resolving } from '../live/knot.js';
import { Net } from '../live/net.js';
import { dig, sorted, wanted } from '../live/questions.js';
import { until } from '../live/wait.js';
import { output, type Peer, start } from './originals.js';

export interface DnsReport {
  kernel: string;
  /** What dns events tell of dig's questions. */
  told: ReturnType<typeof sorted>[];
  lost: number;
  /** Attempts of curl, and those whose address no earlier event has. */
  attempts: number;
  unnamed: string[];
  /** Lines of bcc's tool with a name, and those of them whose name and address are not among our events. */
  theirs?: { lines: number; missing: string[] };
}

const bcc: Peer = {
  name: 'tcpconnect-bpfcc -d',
  command: ['env', 'PYTHONUNBUFFERED=1', '/usr/sbin/tcpconnect-bpfcc', '-d'],
  fields: ['pid', 'comm', 'ip', 'saddr', 'daddr', 'dport'],
};
const beside = process.env.SYNPIPE_VM_BCC === '1' && release().startsWith('6.1.');

const net = new Net();
const report: DnsReport = { kernel: release(), told: [], lost: 0, attempts: 0, unnamed: [] };
try {
  await knot(net);
  if (beside) await start(bcc);
  const collector = await seeing(net);
  dig(net);
  const urls = Array.from({ length: 20 }, (_, i) => `http://n${i}.many.example.test:${1000 + i}/`);
  const last = `"name":"${(wanted.at(-1) as (typeof wanted)[0]).name}"`;
  await until('the last answer of dig', () => collector.lines().some((line) => line.includes(last)));
  const before = dnsIn(collector.lines()).length;
  resolving(net, 'sh', '-c', 'curl -s "$@"; true', 'sh', 'http://www.example.test:81/', ...urls);
  if (beside) await until('bcc prints the last attempt', () => / 1019 /.test(output(bcc)));
  const { lines } = await collector.stop();
  const events = dnsIn(lines);
  report.told = events.slice(0, before).map(told).map(sorted);
  report.lost = lostIn(lines);
  const attempts = connects(lines).filter(({ comm, dport }) => comm === 'curl' && dport !== 53);
  report.attempts = attempts.length;
  const named = ({ daddr, seq }: { daddr: string; seq: number }) =>
    events.some((event) => event.addrs.includes(daddr) && (event.seq as number) < seq);
  report.unnamed = attempts.filter((attempt) => !named(attempt)).map((attempt) => JSON.stringify(attempt));
  if (beside) {
    const rows = output(bcc)
      .split('\n')
      .map((line) => /^\d+ +.*? [46] +\S+ +(\S+) +\d+ +(\S+\.test)\b/.exec(line))
      .filter((row) => row !== null);
    const ours = (address = '', name = '') =>
      events.some((event) => event.name === name && event.addrs.includes(address.replace(/^::ffff:/, '')));
    const missing = rows.filter(([, address, name]) => !ours(address, name)).map(([line]) => line);
    report.theirs = { lines: rows.length, missing };
  }
} finally {
  const child = bcc.running?.child;
  if (child && child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  for (const { child } of Collector.running) child.kill('SIGKILL');
  await net.remove();
}
console.log(JSON.stringify(report));
