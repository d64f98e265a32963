import assert from 'node:assert/strict';
import { constants, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { certificates } from '../../support/certificates.js';
import { assertAll, format, numbered } from '../../support/lines.js';
import { freePort } from '../../support/port.js';
import { folder, start, until } from '../../support/process.js';
import { listening } from '../../support/proxies.js';
import { Deduped, Receiver } from '../../support/receiver.js';
import { env, shell } from '../../support/shell.js';

test('TLS needs the private CA and the client certificate', async (t) => {
  const dir = folder(t);
  certificates(dir);
  const read = (name: string) => readFileSync(join(dir, name));
  const secure = {
    key: read('server.key'),
    cert: read('server.pem'),
    ca: read('ca.pem'),
    requestCert: true,
    rejectUnauthorized: true,
  };
  const receiver = await Receiver.start(t, undefined, secure);
  const line = (options: string) => shell(`sink-http ${options} ${receiver.url}`, dir, numbered(1, 3));
  assert.deepEqual(await line('--ca ca.pem --cert client.pem --key client.key'), { stdout: '', stderr: '', code: 0 });
  assert.equal(receiver.got.length, 1);
  const untrusted = await line('--timeout 1s --cert client.pem --key client.key');
  assert.match(untrusted.stderr, /SELF_SIGNED_CERT_IN_CHAIN; trying again/);
  assert.equal((await line('--timeout 1s --ca ca.pem')).code, 1);
  assert.equal(receiver.got.length, 1);
});

test('credentials and headers come from files and the environment, not the command line; SIGHUP reads them again', async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, 'auth'), 'me:secret\n');
  writeFileSync(join(dir, 'headers'), '# tenant\nX-Scope-OrgID: one\n\n');
  const receiver = await Receiver.start(t);
  const options = `--batch-lines 1 --auth-file auth --header-file headers --header 'X-More: 2' ${receiver.url}`;
  const { child, ended } = start(t, ['bash', '-c', `exec sink-http ${options}`], dir);
  const headers = () =>
    receiver.got.map(({ request }) => [
      request.headers.authorization,
      request.headers['x-scope-orgid'],
      request.headers['x-more'],
    ]);
  child.stdin?.write(numbered(1, 2));
  await until('the first', () => receiver.got.length >= 1);
  assert.ok(!readFileSync(`/proc/${child.pid}/cmdline`, 'utf8').includes('secret'));
  writeFileSync(join(dir, 'auth'), 'fresh-token');
  child.kill('SIGHUP');
  for (let seq = 3; receiver.got.at(-1)?.request.headers.authorization !== 'Bearer fresh-token'; seq++) {
    child.stdin?.write(numbered(seq, seq + 1));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  child.stdin?.end();
  assert.equal((await ended).code, 0);
  assert.deepEqual(headers()[0], [`Basic ${Buffer.from('me:secret').toString('base64')}`, 'one', '2']);
  const withToken = { ...env, SYNPIPE_HTTP_TOKEN: 'from-env' };
  await shell(`sink-http ${receiver.url}`, dir, numbered(1, 1), withToken);
  assert.equal(headers().at(-1)?.[0], 'Bearer from-env');
});

test('a redirect is refused, and the message names the new address', async (t) => {
  for (const status of [301, 308]) {
    const receiver = await Receiver.start(t, (_, response) =>
      response.writeHead(status, { location: 'https://new.example.com/in' }).end(),
    );
    const { code, stderr } = await shell(`sink-http ${receiver.url}`, folder(t), numbered(1, 3));
    const what = `the receiver rejected events: ${status}, redirected to https://new.example.com/in`;
    assert.deepEqual(
      [code, stderr],
      [1, `sink-http: 3 lines not delivered\nsink-http: ${what}; fix the cause, or see --on-reject\n`],
    );
  }
});

test('connections are reused', async (t) => {
  const receiver = await Receiver.start(t);
  assert.equal(
    (await shell(`sink-http --batch-lines 10 --connections 2 ${receiver.url}`, folder(t), numbered(1, 1000))).code,
    0,
  );
  assert.equal(receiver.got.length, 100);
  assert.ok(receiver.connections <= 3, `${receiver.connections} connections`);
});

test('works with nginx: gzip, keep-alive, 413 from client_max_body_size', async (t) => {
  const dir = folder(t);
  const deduped = new Deduped();
  const receiver = await Receiver.start(t, (got, response) => {
    deduped.take(got);
    response.end();
  });
  const port = await freePort();
  writeFileSync(
    join(dir, 'nginx.conf'),
    `daemon off; user root; pid ${dir}/pid; error_log ${dir}/error.log; events {}
http { access_log ${dir}/access.log; client_body_temp_path ${dir}/body; proxy_temp_path ${dir}/proxy; fastcgi_temp_path ${dir}/f; uwsgi_temp_path ${dir}/u; scgi_temp_path ${dir}/s;
server { listen 127.0.0.1:${port}; client_max_body_size 20k; location / { proxy_pass ${receiver.url}; proxy_http_version 1.1; } } }\n`,
  );
  start(t, ['/usr/sbin/nginx', '-p', dir, '-c', join(dir, 'nginx.conf')], dir);
  await listening(port);
  const line = `seq -f '${format}' 2000 | sink-http http://127.0.0.1:${port}/events`;
  const { stderr, code } = await shell(line, dir);
  assert.match(stderr, /^(sink-http: .* (trying again|working again)\n)*$/);
  assert.equal(code, 0);
  assertAll(deduped.seqs, 2000);
  assert.match(readFileSync(join(dir, 'access.log'), 'utf8'), /" 413 /);
  const zipped = await shell(`seq -f '${format}' 2000 | sink-http --gzip http://127.0.0.1:${port}/events`, dir);
  assert.deepEqual(zipped, { stdout: '', stderr: '', code: 0 });
});

test('a shared standard error stays blocking', async (t) => {
  const receiver = await Receiver.start(t);
  const flags = 'import re; print(re.search("flags:.*", open("/proc/self/fdinfo/2").read())[0], file=sys.stdout)';
  const look = `python3 -c 'import sys; ${flags}'`;
  const late = `{ cat; until [ -e ended ]; do sleep 0.05; done; } | sink-http --batch-lines 1 ${receiver.url} & `;
  const line = `{ ${late} until [ -e sent ]; do sleep 0.05; done; ${look} > seen; touch ended; wait; } 2>&1 | cat`;
  const dir = folder(t);
  const done = shell(line, dir, numbered(1, 3));
  await until('all is sent', () => receiver.got.length === 3);
  await receiver.down(); // its sockets are closed
  await receiver.up();
  writeFileSync(join(dir, 'sent'), '');
  await done;
  const seen = Number.parseInt(/\d+/.exec(readFileSync(join(dir, 'seen'), 'utf8'))?.[0] ?? '', 8);
  assert.ok(seen & constants.O_WRONLY, 'the flags of the pipe');
  assert.equal(seen & constants.O_NONBLOCK, 0);
});

test('--lenient: objects of any kind are delivered, also from the spool of an earlier run', async (t) => {
  const dir = folder(t);
  const receiver = await Receiver.start(t);
  const objects = '{"daddr":"192.0.2.1","dport":443}\n{"type":"connect","dport":"443"}\n';
  const line = `sink-http --lenient --spool spool ${receiver.url}`;
  await receiver.down();
  await shell(`${line} --timeout 1s`, dir, objects);
  await receiver.up();
  assert.deepEqual(await shell(line, dir, objects), { stdout: '', stderr: '', code: 0 });
  assert.equal(receiver.got.map(({ body }) => body).join(''), objects + objects);
});
