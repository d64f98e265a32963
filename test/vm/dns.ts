/*
 * Runs in a guest: collector --dns and enrich, and beside them bcc's tcpconnect -d with SYNPIPE_VM_BCC=1 where it works.
 * Prints one JSON object, a DnsReport.
 */
import { once } from 'node:events';
import { release } from 'node:os';
import { dnsIn, seeing, told } from '../live/answers.js';
import { Collector, lostIn } from '../live/collect.js';
import { attempts, enriched } from '../live/enriched.js';
import { nameserver, resolving } from '../live/nameserver.js';
import { Net } from '../live/net.js';
import { dig, sorted, wanted } from '../live/questions.js';
import { until } from '../live/wait.js';
import { connect, ndjson } from '../support/events.js';
import { output, type Peer, start } from './originals.js';

export interface DnsReport {
  kernel: string;
  /** The dns events of dig's questions. */
  told: ReturnType<typeof sorted>[];
  lost: number;
  /** Attempts of curl through enrich: port, name, source. */
  attempts: unknown[][];
  /** By a slow server: the name with time to wait, and without, and how many were late then. */
  slow: unknown[];
  /** Lines of bcc's tool with a name, and those whose attempt has another name with us. */
  theirs?: { lines: number; missing: string[] };
}

const bcc: Peer = {
  name: 'tcpconnect-bpfcc -d',
  command: ['env', 'PYTHONUNBUFFERED=1', '/usr/sbin/tcpconnect-bpfcc', '-d'],
  fields: ['pid', 'comm', 'ip', 'saddr', 'daddr', 'dport'],
};
const beside = process.env.SYNPIPE_VM_BCC === '1' && release().startsWith('6.1.');

const net = new Net();
const report: DnsReport = { kernel: release(), told: [], lost: 0, attempts: [], slow: [] };
try {
  await nameserver(net);
  if (beside) await start(bcc);
  const collector = await seeing(net);
  dig(net);
  const urls = Array.from({ length: 20 }, (_, i) => `http://n${i}.each.example.test:${1000 + i}/`);
  const last = `"name":"${(wanted.at(-1) as (typeof wanted)[0]).name}"`;
  await until('the last answer of dig', () => collector.lines().some((line) => line.includes(last)));
  const before = dnsIn(collector.lines()).length;
  resolving(net, 'sh', '-c', 'curl -s "$@"; true', 'sh', 'http://www.example.test:81/', ...urls);
  if (beside) await until('bcc prints the last attempt', () => / 1019 /.test(output(bcc)));
  const { lines } = await collector.stop();
  const events = dnsIn(lines);
  report.told = events.slice(0, before).map(told).map(sorted);
  report.lost = lostIn(lines);
  const all = attempts(enriched(net, `${lines.join('\n')}\n`));
  const curl = all.filter(({ comm, dport }) => comm === 'curl' && dport !== 53);
  report.attempts = curl.map(({ dport, name, name_source }) => [dport, name, name_source]);
  if (beside) {
    const rows = output(bcc)
      .split('\n')
      .map((line) => /^(\d+) +.*? [46] +\S+ +(\S+) +(\d+) +(\S+\.test)\b/.exec(line))
      .filter((row) => row !== null);
    const ours = ([, pid, daddr = '', dport, name]: string[]) =>
      all.some(
        (one) =>
          one.pid === Number(pid) &&
          one.daddr === daddr.replace(/^::ffff:/, '') &&
          one.dport === Number(dport) &&
          one.name === name,
      );
    report.theirs = { lines: rows.length, missing: rows.filter((row) => !ours(row)).map(([line]) => line) };
  }
  net.run('tc', 'qdisc', 'add', 'dev', 'lo', 'root', 'netem', 'delay', '300ms');
  const one = ndjson(connect({ daddr: '127.0.0.2' }));
  const [named] = attempts(enriched(net, one, { timeout: '20000' }));
  const early = enriched(net, one, { wait: '1' });
  report.slow = [named?.name, attempts(early)[0]?.name ?? null, early.at(-1)?.unnamed];
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
