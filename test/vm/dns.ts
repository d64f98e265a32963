/*
 * Runs in a guest: collector --dns and enrich, and with SYNPIPE_VM_BCC=1 also bcc's tcpconnect -d, if it works there.
 * Prints one JSON object, a DnsReport.
 */
import { once } from 'node:events';
import { release } from 'node:os';
import { dnsIn, inOrder, lookupFields, seeing } from '../live/answers.js';
import { Collector, lostIn, outcomes } from '../live/collect.js';
import { attempts, enriched } from '../live/enriched.js';
import { nameserver, resolving, responder, withResolver } from '../live/nameserver.js';
import { Net } from '../live/net.js';
import { dig, sorted } from '../live/questions.js';
import { until } from '../live/wait.js';
import { connect, ndjson } from '../support/events.js';
import { output, type Peer, start } from './originals.js';

export interface DnsReport {
  kernel: string;
  /** The dns events of dig's queries. */
  told: ReturnType<typeof sorted>[];
  lost: number;
  /** Look-ups that fail, of one process each: name, type, error, and `search` or the asker. */
  failures: unknown[][];
  /** Whether each look-up of curl has the process of its attempts; and in a PID namespace, the nspid of both. */
  asked: boolean;
  inside: unknown[];
  /** Attempts of curl through enrich: port, name, source. */
  attempts: unknown[][];
  /** With a slow server: the name with enough time and without, and how many were then late. */
  slow: unknown[];
  /** How many lines of bcc's tool have a name, and the names that we do not have for the same attempt. */
  theirs?: { lines: number; missing: string[] };
}

const bcc: Peer = {
  name: 'tcpconnect-bpfcc -d',
  command: ['env', 'PYTHONUNBUFFERED=1', '/usr/sbin/tcpconnect-bpfcc', '-d'],
  fields: ['pid', 'comm', 'ip', 'saddr', 'daddr', 'dport'],
};
const beside = process.env.SYNPIPE_VM_BCC === '1' && release().startsWith('6.1.');

const net = new Net();
const report: DnsReport = {
  kernel: release(),
  told: [],
  lost: 0,
  failures: [],
  asked: false,
  inside: [],
  attempts: [],
  slow: [],
};
try {
  await nameserver(net);
  if (beside) await start(bcc);
  const collector = await seeing(net);
  dig(net);
  const urls = Array.from({ length: 20 }, (_, i) => `http://n${i}.each.example.test:${1000 + i}/`);
  resolving(net, 'sh', '-c', 'curl -s "$@"; true', 'sh', 'http://www.example.test:81/', ...urls);
  if (beside) await until('bcc prints the last attempt', () => / 1019 /.test(output(bcc)));
  await responder(net, { 'api.test': { A: '192.0.2.1' }, 'silent.test': { silent: 99 } }, '127.0.0.9');
  const conf = 'nameserver 127.0.0.9\nsearch svc.cluster.local cluster.local\noptions ndots:5\n';
  const ask = 'for name in api.test gone.test; do getent ahosts $name; done; dig +tries=1 +time=6 silent.test; true';
  net.run(...withResolver(conf, 'sh', '-c', ask));
  const to9 = ['curl', '-s', 'http://one.example.test:9/'];
  const inside = ['unshare', '-pf', 'sh', '-c', 'true & wait; "$@"; true', 'sh', ...to9];
  net.run(...withResolver('nameserver 127.0.0.1\n', ...inside));
  const { lines } = await collector.stop();
  const events = inOrder(dnsIn(lines));
  const by = ({ server }: { server?: string }) => server === '127.0.0.9';
  report.told = events
    .filter((event) => event.pcomm === 'dig' && !by(event))
    .map(lookupFields)
    .map(sorted);
  const failures = events.filter((event) => by(event) && event.error);
  report.failures = failures.map(({ name, qtype, error, search, pcomm }) => [name, qtype, error, search ?? pcomm]);
  const tries = outcomes(lines).filter(({ pcomm, dport }) => pcomm === 'curl' && dport !== 53);
  const lookups = events.filter(({ pcomm }) => pcomm === 'curl');
  report.asked = lookups.length > 20 && lookups.every(({ pid }) => tries.some((one) => one.pid === pid));
  report.inside = [tries.at(-1)?.nspid, lookups.at(-1)?.nspid];
  report.lost = lostIn(lines);
  const all = attempts(enriched(net, `${lines.join('\n')}\n`));
  const curl = all.filter(({ comm, dport }) => comm === 'curl' && dport !== 53 && dport !== 9);
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
  const [named] = attempts(enriched(net, one, { timeout: '20000ms' }));
  const early = enriched(net, one, { wait: '1ms' });
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
