import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { Collector } from './collect.js';
import { fresh } from './folder.js';
import { cannot, live } from './live.js';
import { env } from './pipeline.js';

const uid = 1_000_000 + process.pid;
const missing = (tool: string) => spawnSync(tool, ['--version']).error !== undefined;

live('jq, gojq, mlr and validate read what the collector writes', async (net, t) => {
  const absent = ['jq', 'gojq', 'mlr'].filter(missing);
  if (absent.length > 0) return cannot(t, `not installed: ${absent}`);
  const collector = await Collector.start(['-u', `${uid},0`]);
  const names = [Buffer.from('"\\\x01\x1b\x7f\n', 'latin1'), Buffer.from([0xff, 0xc2, 0x85, 0xe2, 0x80, 0xa8, 0xc3])];
  for (const name of names) await net.client(['name', name.toString('hex'), '127.0.0.1', 9]);
  await net.client(['blocking', '2001:db8::1', 80], uid);
  await net.client(['quiet', 500, '::ffff:127.0.0.1', 9], uid);
  const { lines } = await collector.stop();
  const file = fresh('all.ndjson');
  writeFileSync(file, `${lines.join('\n')}\n`);
  const run = (command: string, ...args: string[]) =>
    execFileSync(command, [...args, file], { encoding: 'utf8', maxBuffer: 1 << 28, env });

  const expected = lines.map((line) => JSON.parse(line));
  const parse = (text: string) =>
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  assert.deepEqual(parse(run('jq', '-c', '.')), expected);
  assert.deepEqual(parse(run('gojq', '-c', '.')), expected);
  assert.equal(run('mlr', '--ijsonl', '--onidx', 'count').trim(), String(lines.length));
  const status = run('sh', '-c', 'validate --status <"$0" | tail -n 1');
  assert.equal(JSON.parse(status).out, lines.length);
  // mlr 6.6 itself writes control characters unescaped
  writeFileSync(file, `${lines.filter((line) => !line.includes('\\')).join('\n')}\n`);
  const plain = expected.filter((_, i) => !lines[i]?.includes('\\'));
  assert.deepEqual(JSON.parse(run('mlr', '--ijsonl', '--ojson', 'cat')), plain);
});
