/**
 * The receivers that the pages' command lines name, on loopback addresses of the namespace that this runs in, as in
 * /etc/hosts: `stores.ts DIR`. Writes what each one stores to a file of its name in DIR. Prints `ready`.
 */
import { spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, credsAuthenticator, type NatsConnection } from '@nats-io/transport-node';
import { certificates } from '../certificates.js';
import { operated } from '../jwt.js';
import { type Behaviour, ok, Receiver } from '../receiver.js';
import { clickhouse, elasticsearch, loki, otlp } from '../receivers.js';
import { hosts } from './hosts.js';

const dir = process.argv[2] as string;
const t = { after: () => {} } as unknown as TestContext; // these live as long as the process
certificates(dir, [...Object.keys(hosts), ...new Set(Object.values(hosts)), 'localhost']);
const pem = (name: string) => readFileSync(join(dir, name), 'utf8');
const tls = { cert: pem('server.pem'), key: pem('server.key') };

/** Records each request that a stand-in has accepted. */
const noting =
  (name: string, behaviour: Behaviour): Behaviour =>
  (got, response, nth) => {
    response.on('finish', () => response.statusCode < 300 && appendFileSync(join(dir, name), `${got.url}\n`));
    behaviour(got, response, nth);
  };

for (const [name, port, behaviour, secure] of [
  ['ch', 8123, clickhouse('connects').behaviour, undefined],
  ['es', 9200, elasticsearch('connects').behaviour, tls],
  ['otel', 4318, otlp().behaviour, undefined],
  ['loki.example.com', 443, loki().behaviour, tls],
  ['logs.example.com', 443, ok, tls],
  ['example.com', 443, ok, tls],
] as const)
  await Receiver.start(t, noting(name, behaviour), secure, { host: hosts[name], port });

/** Starts a nats-server on an address. Resolves to a client once it answers. */
async function nats(name: keyof typeof hosts, config: string, creds?: string): Promise<NatsConnection> {
  const path = join(dir, `${name}.conf`);
  mkdirSync(join(dir, `${name}.data`));
  writeFileSync(path, `listen: ${hosts[name]}:4222\njetstream { store_dir: "${dir}/${name}.data" }\n${config}\n`);
  const PATH = `${process.env.PATH}:/usr/sbin`;
  spawn('setpriv', ['--pdeathsig', 'KILL', 'nats-server', '-c', path], {
    stdio: 'ignore',
    env: { ...process.env, PATH },
  });
  const authenticator = creds === undefined ? undefined : credsAuthenticator(Buffer.from(creds));
  for (let tries = 0; ; tries++) {
    try {
      return await connect({
        ...{ servers: `${hosts[name]}:4222`, reconnect: false },
        ...(authenticator && { authenticator, tls: { ca: pem('ca.pem') } }),
      });
    } catch (error) {
      if (tries === 500) throw error;
      await sleep(20);
    }
  }
}

const { config, creds } = operated();
writeFileSync(join(dir, 'host.creds'), creds);
const files = `tls { cert_file: "${dir}/server.pem", key_file: "${dir}/server.key" }`;
for (const [name, connection] of [
  ['nats', await nats('nats', '')],
  ['n1', await nats('n1', `${config}\n${files}`, creds)],
] as const) {
  connection.subscribe('conn.>', { callback: (_, { subject }) => appendFileSync(join(dir, name), `${subject}\n`) });
  if (name === 'nats') continue; // --create-stream must create the stream there
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: 'CONN', subjects: ['conn.>'] });
}
process.on('SIGTERM', () => process.exit());
console.log('ready');
