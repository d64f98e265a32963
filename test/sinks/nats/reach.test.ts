import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { nkeys } from '@nats-io/transport-node';
import { certificates } from '../../support/certificates.js';
import { connect, ndjson } from '../../support/events.js';
import { operated } from '../../support/jwt.js';
import { numbered } from '../../support/lines.js';
import { NatsServer } from '../../support/nats.js';
import { folder, start } from '../../support/process.js';
import { env, shell } from '../../support/shell.js';

const good = { stdout: '', stderr: '', code: 0 };

/** A server's configuration, the credentials that it accepts, and others of the same kind. */
function kinds(): Record<string, { config: string; auth: string; wrong: string }> {
  const user = nkeys.createUser();
  const seed = (key: nkeys.KeyPair) => new TextDecoder().decode(key.getSeed());
  const { config, creds } = operated();
  return {
    token: { config: 'authorization { token: s3cret }', auth: 's3cret', wrong: 'secret' },
    'user and password': {
      config: 'authorization { user: me, password: "s:3cret" }',
      auth: 'me:s:3cret',
      wrong: 'me:secret',
    },
    nkey: {
      config: `authorization { users: [ { nkey: ${user.getPublicKey()} } ] }`,
      auth: seed(user),
      wrong: seed(nkeys.createUser()),
    },
    creds: { config, auth: creds, wrong: operated().creds },
  };
}

for (const [kind, { config, auth, wrong }] of Object.entries(kinds())) {
  test(`credentials: ${kind}, from a file or the environment; wrong or missing ones are reported in one line`, async (t) => {
    const dir = folder(t);
    const server = await NatsServer.start(t, config);
    writeFileSync(join(dir, 'auth'), `${auth}\n`);
    writeFileSync(join(dir, 'wrong'), `${wrong}\n`);
    const line = (options: string) => `sink-nats --create-stream CONN ${options} ${server.url}`;
    assert.deepEqual(await shell(line('--auth-file auth'), dir, numbered(1, 3)), good);
    const inEnvironment = await shell(line(''), dir, numbered(4, 6), { ...env, SYNPIPE_NATS_AUTH: auth } as typeof env);
    assert.deepEqual(inEnvironment, good);
    const where = `127.0.0.1:${server.port}`;
    const refused = `sink-nats: ${where}: the server refuses the credentials; `;
    assert.deepEqual(await shell(line('--auth-file wrong'), dir, numbered(1, 3)), {
      stdout: '',
      stderr: `${refused}check them\n`,
      code: 1,
    });
    assert.equal((await shell(line(''), dir, numbered(1, 3))).stderr, `${refused}see --auth-file\n`);
  });
}

test('damaged credentials are reported, but not shown', async (t) => {
  const dir = folder(t);
  for (const text of [`SU${'A'.repeat(56)}`, 'two\nlines', Buffer.from([0xff, 0x3a, 0xfe])]) {
    writeFileSync(join(dir, 'auth'), text);
    const { stderr, code } = await shell('sink-nats --auth-file auth 127.0.0.1:1', dir);
    assert.deepEqual([stderr, code], ['sink-nats: the credentials in auth are damaged; get new ones\n', 1]);
  }
});

test('TLS needs the private CA and the client certificate', async (t) => {
  const dir = folder(t);
  certificates(dir);
  const file = (name: string) => `"${join(dir, name)}"`;
  const config = `tls { cert_file: ${file('server.pem')}, key_file: ${file('server.key')}, ca_file: ${file('ca.pem')}, verify: true }`;
  const server = await NatsServer.start(t, config);
  const run = (options: string) =>
    shell(`sink-nats --create-stream CONN ${options} ${server.url}`, dir, numbered(1, 3));
  assert.deepEqual(await run('--ca ca.pem --cert client.pem --key client.key'), good);
  const untrusted = await run('--timeout 2s --cert client.pem --key client.key');
  assert.match(untrusted.stderr, /: UNABLE_TO_VERIFY_LEAF_SIGNATURE \(see --ca\); trying again\n/);
  assert.equal(untrusted.code, 1);
  const mixed = await run('--timeout 2s --ca ca.pem --cert client.pem --key server.key');
  assert.deepEqual(
    [mixed.code, /^sink-nats: invalid --key server.key: it is not the key of --cert/.test(mixed.stderr)],
    [2, true],
  );
  const unknown = await run('--timeout 2s --ca ca.pem');
  assert.deepEqual([unknown.code, /no answer in time \(it may require --cert\); /.test(unknown.stderr)], [1, true]);
  const plain = await NatsServer.start(t);
  const none = await shell(`sink-nats --timeout 2s ${plain.url.replace('nats', 'tls')}`, dir, numbered(1, 3));
  assert.match(none.stderr, /: server does not support 'tls' \(see nats:\/\/\); trying again\n/);
});

test('a server without JetStream; a user who may not publish, or may only publish', async (t) => {
  const dir = folder(t);
  const server = await NatsServer.start(
    t,
    `authorization { users: [
      { user: all, password: a }
      { user: none, password: a, permissions: { publish: "elsewhere" } }
      { user: only, password: a, permissions: { publish: "conn.>" } }
    ] }`,
  );
  for (const user of ['all', 'none', 'only']) writeFileSync(join(dir, user), `${user}:a`);
  const run = (user: string, more = '') =>
    shell(`sink-nats --auth-file ${user} ${more} ${server.url}`, dir, ndjson(connect({ host: 'web-1' })));
  assert.deepEqual(await run('all', '--create-stream CONN'), good);
  const none = await run('none');
  assert.equal(none.code, 1);
  assert.match(none.stderr, /: no permission to publish to conn\.web-1\.connect; check the permissions; /);
  const only = await run('only');
  assert.deepEqual(
    [only.code, only.stderr],
    [0, 'sink-nats: the stream already had 1 line; each is stored only once\n'],
  );
  assert.equal((await server.stored('CONN', { user: 'all', pass: 'a' })).length, 1);

  const plain = await NatsServer.start(t, 'accounts { A { users: [ { user: a, password: a } ] } }');
  writeFileSync(join(dir, 'a'), 'a:a');
  const without = await shell(`sink-nats --auth-file a ${plain.url}`, dir, numbered(1, 1));
  assert.equal(without.code, 1);
  assert.match(without.stderr, /JetStream is not enabled for this account; /);
});

test('secrets are not in the command line; SIGHUP reads the file again', async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, 'auth'), 'one');
  const server = await NatsServer.start(t, 'authorization { token: one }');
  const { child, ended } = start(
    t,
    ['bash', '-c', `exec sink-nats --auth-file auth --create-stream CONN ${server.url}`],
    dir,
  );
  child.stdin?.write(numbered(1, 1));
  const { nc, jsm } = await server.client({ token: 'one' });
  const count = () =>
    jsm.streams.info('CONN').then(
      ({ state }) => state.messages,
      () => 0,
    );
  while ((await count()) < 1) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(!readFileSync(`/proc/${child.pid}/cmdline`, 'utf8').includes('one\0'));
  await nc.close();
  await server.down();
  writeFileSync(join(dir, 'auth'), 'two');
  child.kill('SIGHUP');
  server.config = 'authorization { token: two }';
  await server.up();
  child.stdin?.end(numbered(2, 2));
  const { code, stderr } = await ended;
  assert.equal(code, 0, stderr);
  assert.equal((await server.stored('CONN', { token: 'two' })).length, 2);
});

test('--lenient: objects of any kind go through a stream', async (t) => {
  const dir = folder(t);
  const server = await NatsServer.start(t);
  const objects = '{"daddr":"192.0.2.1","dport":443}\n{"type":"connect","dport":"443"}\n';
  assert.deepEqual(await shell(`sink-nats --lenient --create-stream CONN ${server.url}`, dir, objects), good);
  const read = await shell(`source-nats --lenient -n 2 ${server.url} CONN`, dir, '');
  assert.deepEqual(read, { ...good, stdout: objects });
  const strict = await shell(`source-nats --durable other -n 2 ${server.url} CONN`, dir, '');
  assert.match(strict.stderr, /line 1: \/type is missing/);
});
