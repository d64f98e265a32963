import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { assertAll, numbered, seqsOf } from '../support/lines.js';
import { folder } from '../support/process.js';
import { env, envInPieces, shell } from '../support/shell.js';

/** How often it is killed. SYNPIPE_KILLS=500 sets another number. */
const rounds = Math.ceil(Number(process.env.SYNPIPE_KILLS ?? 60) / 3);
const killer = fileURLToPath(new URL('../support/killed.cjs', import.meta.url));
const inPieces = envInPieces(6_000);

/**
 * Returns the contents of all files in a folder in the order of writing, without what was set aside as torn. An archive
 * counts once its original file is gone, even if it does not have its final name yet.
 */
function contents(dir: string): string {
  const name = (one: string) => one.replace(/\.gz(\.tmp)?$/, '');
  const files = readdirSync(dir).filter((one) => !/^now|torn$/.test(one));
  const once = files.filter((one) => one === name(one) || !files.includes(name(one)));
  const [current, closed] = [once.filter((one) => !one.includes('@')), once.filter((one) => one.includes('@'))];
  return [...closed.sort(), ...current]
    .map((one) => readFileSync(join(dir, one)))
    .map((bytes) => (bytes[0] === 0x1f ? gunzipSync(bytes) : bytes).toString())
    .join('');
}

for (const options of ['', '--rotate-size 20K', '--rotate-size 20K --compress gzip --fsync every --latest now']) {
  test(`kill -9 at any byte of a write, ${options || 'one file'}: each restart leaves whole lines, none missing`, async (t) => {
    const dir = folder(t);
    const torn: string[] = [];
    let [stored, killed] = [0, 0];
    for (let round = 1; round <= rounds; round++) {
      const fault = { KILL_AT: String(1 + Math.floor(Math.random() * 14)), KILL_PART: String(Math.random()) };
      const where = `round ${round}, ${JSON.stringify(fault)}`;
      const environment = { ...inPieces, ...fault, NODE_OPTIONS: `${inPieces.NODE_OPTIONS} --require="${killer}"` };
      const input = numbered(stored + 1, stored + 200);
      const { code, stderr } = await shell(`exec sink-file ${options} out.ndjson`, dir, input, environment);
      if (code !== 0) killed++;
      assert.ok(code === 0 || code === -1, `${where}: ${stderr}`);
      const found = contents(dir);
      const lines = found.split('\n');
      const tail = lines.pop() as string;
      const whole = `${tail}\n` === numbered(lines.length + 1, lines.length + 1);
      assert.ok(lines.length + Number(whole) >= stored, `${where}: ${lines.length} lines, ${stored} before`);
      assertAll(
        seqsOf(whole ? `${found}\n` : found.slice(0, found.length - tail.length)),
        lines.length + Number(whole),
      );
      assert.ok(numbered(lines.length + 1, lines.length + 1).startsWith(tail), `${where}: ${tail}`);
      stored = lines.length + Number(whole);
      if (tail && !whole && tail !== torn.at(-1)) torn.push(tail); // it may be killed again before it has repaired the file
    }
    assert.equal((await shell(`sink-file ${options} out.ndjson`, dir)).code, 0);
    assertAll(seqsOf(contents(dir)), stored);
    const aside = readFileSync(join(dir, 'out.ndjson.torn'), 'utf8').split('\n');
    const different = aside.filter((tail, i) => tail !== aside[i - 1]); // killed between setting aside and cutting off
    assert.deepEqual(different, [...torn, '']);
    assert.ok(!readdirSync(dir).some((name) => name.endsWith('.tmp')));
    t.diagnostic(`${killed} of ${rounds} killed, ${torn.length} with a torn line, ${stored} lines`);
    assert.ok(killed > rounds / 3);
  });
}

test('kill -9 at any byte of a large write by a thread: the input so far, and whole lines after a restart', async (t) => {
  const dir = folder(t);
  const [input, out] = [numbered(1, 20_000), join(dir, 'out')];
  writeFileSync(join(dir, 'in'), input);
  let killed = 0;
  for (let round = 1; round <= rounds; round++) {
    for (const name of [out, `${out}.torn`]) rmSync(name, { force: true });
    const fault = { KILL_AT: String(1 + Math.floor(Math.random() * 7)), KILL_PART: String(Math.random()) };
    const environment = { ...env, ...fault, NODE_OPTIONS: `--require="${killer}"` };
    const { code, stderr } = await shell('exec sink-file out < in', dir, '', environment);
    if (code !== 0) killed++;
    assert.ok(code === 0 || code === -1, `round ${round}, ${JSON.stringify(fault)}: ${stderr}`);
    const found = existsSync(out) ? readFileSync(out, 'utf8') : '';
    assert.ok(code === 0 ? found === input : input.startsWith(found), `round ${round}, ${JSON.stringify(fault)}`);
    assert.equal((await shell('sink-file out', dir)).code, 0);
    const [text, whole] = [readFileSync(out, 'utf8'), found.slice(0, found.lastIndexOf('\n') + 1)];
    const missing = input.slice(found.length, found.length + 1) === '\n' && found !== whole; // only the newline is missing
    assert.equal(text, missing ? `${found}\n` : whole);
  }
  t.diagnostic(`${killed} of ${rounds} killed`);
  assert.ok(killed > rounds / 3);
});
