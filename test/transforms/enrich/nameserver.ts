import { type ChildProcess, spawn } from 'node:child_process';
import { promises as dns } from 'node:dns';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { knotd } from '../../support/knot.js';
import { freePort } from '../../support/port.js';
import { folder, undo } from '../../support/process.js';

const soa = '@ 60 SOA ns.example. admin.example. 1 3600 600 86400 60\n@ 60 NS ns.example.\n';

/** The zones of the tests' server: records as in zone files. */
const zones: Record<string, string> = {
  '2.0.192.in-addr.arpa': `${soa}
1 300 PTR one.example.
2 300 PTR b.example.
2 300 PTR a.example.
3 300 CNAME 3.0-63.2.0.192.in-addr.arpa.
3.0-63 200 PTR three.example.
4 300 PTR evil\\027\\09131m\\010\\000\\200\\092.Example.
5 300 PTR ${'l'.repeat(63)}.${'o'.repeat(63)}.${'n'.repeat(63)}.${'g'.repeat(53)}.example.
${Array.from({ length: 120 }, (_, i) => `6 300 PTR many-${String(i).padStart(3, '0')}.example.\n`).join('')}
7 1 PTR short.example.
8 300 TXT "no PTR here"
9 300 PTR liar.example.
10 300 CNAME 10.elsewhere.2.0.192.in-addr.arpa.
64/26 300 NS ns.elsewhere.example.
65 300 CNAME 65.64/26
`,
  '8.b.d.0.1.0.0.2.ip6.arpa': `${soa}
7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 300 PTR seven.example.
`,
  example: `${soa}
ns A 192.0.2.53
one A 192.0.2.1
one A 192.0.2.200
a A 192.0.2.99
b A 192.0.2.2
liar A 198.51.100.9
seven AAAA 2001:db8::7
`,
  '113.0.203.in-addr.arpa': '', // no file: SERVFAIL
};

export interface Nameserver {
  /** The address, for --resolver. */
  resolver: string;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Gives the address of a name in example. another name, from the next start on. */
  rename(from: string, to: string): void;
}

/** Starts a real server and waits until it answers. It is stopped after the test. */
export async function nameserver(t: TestContext): Promise<Nameserver> {
  const port = await freePort();
  const dir = folder(t);
  let serving = zones;
  let child: ChildProcess | undefined;
  const stop = async () => {
    const ended = new Promise((resolve) => child?.on('exit', resolve));
    if (child?.kill('SIGKILL')) await ended;
    child = undefined;
  };
  const start = async () => {
    const [file, ...args] = knotd({ dir, listen: [`127.0.0.1@${port}`], zones: serving }) as [string, ...string[]];
    child = spawn(file, args, { stdio: 'ignore' });
    const asked = new dns.Resolver({ timeout: 200, tries: 1 });
    asked.setServers([`127.0.0.1:${port}`]);
    for (let tries = 0; tries < 2_000; tries++) {
      try {
        await asked.resolve4('one.example');
        return;
      } catch {
        await sleep(20);
      }
    }
    throw new Error('knotd does not answer');
  };
  undo(t, stop);
  await start();
  const rename = (from: string, to: string) => {
    const renamed = (text: string) => text.replaceAll(new RegExp(`\\b${from}\\.example\\.`, 'g'), `${to}.example.`);
    serving = Object.fromEntries(Object.entries(serving).map(([domain, text]) => [domain, renamed(text)]));
  };
  return { resolver: `127.0.0.1:${port}`, stop, start, rename };
}
