import assert from 'node:assert/strict';
import { copyFileSync, existsSync, openSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { timeText } from '../../../transforms/aggregate/time.js';
import { aggregate } from '../../../transforms/aggregate.js';
import { connect, ndjson } from '../../support/events.js';
import { runStage } from '../../support/memory.js';
import { folder, killGroup, start, until } from '../../support/process.js';

const begin = Date.UTC(2026, 10, 23, 8) * 1000;
const day = 86400e6;
const at = (us: number, comm: string, more: object = {}) => connect({ ts: timeText(begin + us), comm, ...more });
const commsOf = (text: string) =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line).comm as string);
const run = async (given: object, ...events: object[]) =>
  commsOf((await runStage(aggregate({ by: 'comm', newOnly: true, ...given }), [Buffer.from(ndjson(...events))])).out);

test('a group is new once, over several runs; names may have tabs and newlines', async (t) => {
  const state = join(folder(t), 'seen');
  const names = ['a', 'b\n', 'b\t', '', '\u00fc'];
  assert.deepEqual(await run({ state }, ...[...names, ...names].map((name) => at(1, name))), names);
  assert.deepEqual(await run({ state }, at(2, 'new'), ...names.map((name) => at(2, name))), ['new']);
  assert.deepEqual(await run({ state }, at(3, 'new')), []);
});

test('only one process at a time can use a state', async (t) => {
  const dir = folder(t);
  const command = ['aggregate', '--new-only', '--by', 'comm', '--state', 'seen'];
  const first = start(t, command, dir);
  await until('the state', () => existsSync(join(dir, 'seen')));
  const second = start(t, command, dir);
  second.child.stdin?.end(ndjson(at(1, 'a')));
  const stderr =
    'aggregate: cannot open state file seen: in use by another process; use a different one for each process\n';
  assert.deepEqual(await second.ended, { code: 1, signal: null, stderr });
  first.child.kill('SIGKILL');
  await first.ended;
  const third = start(t, command, dir);
  third.child.stdin?.end(ndjson(at(1, 'a')));
  assert.deepEqual(await third.ended, { code: 0, signal: null, stderr: '' });
});

test('a missing field differs from an empty one', async (t) => {
  const given = { by: 'saddr,comm', state: join(folder(t), 'seen') };
  const events = [at(1, 'a'), at(1, 'a', { saddr: '192.0.2.1' }), at(1, ''), at(1, '', { saddr: '::1' })];
  assert.equal((await run(given, ...events, ...events)).length, 4);
  assert.equal((await run(given, ...events)).length, 0);
});

test('--expire: a group is forgotten if not seen for longer; seeing it again keeps it', async (t) => {
  const given = { state: join(folder(t), 'seen'), expire: '7d' };
  assert.deepEqual(await run(given, at(0, 'kept'), at(0, 'gone')), ['kept', 'gone']);
  assert.deepEqual(await run(given, at(5 * day, 'kept')), []);
  assert.deepEqual(await run(given, at(10 * day, 'kept'), at(10 * day, 'gone'), at(10 * day, 'gone')), ['gone']);
});

test('--max-groups: the groups not seen for longest are forgotten', async (t) => {
  const given = { state: join(folder(t), 'seen'), maxGroups: 10 };
  const names = Array.from({ length: 11 }, (_, i) => `p${i}`);
  assert.equal((await run(given, ...names.map((name, i) => at(i * 1e6, name)))).length, 11);
  assert.deepEqual(await run(given, at(99e6, 'p10'), at(99e6, 'p0')), ['p0']);
  assert.ok(statSync(given.state).size < 2_000);
});

test('the file is rewritten when most of its records are old, with the same groups', async (t) => {
  const given = { state: join(folder(t), 'seen'), expire: '8s' };
  const events = Array.from({ length: 40_000 }, (_, i) => at(i * 2e6, `p${i % 3}`)); // each event makes a record
  assert.equal((await run(given, ...events)).length, 3);
  assert.ok(statSync(given.state).size < 30_000 * 30, `${statSync(given.state).size}`);
  assert.deepEqual(await run(given, events.at(-1) as object), []);
  assert.ok(!existsSync(`${given.state}.new`));
});

test('a torn or damaged record costs only that record', async (t) => {
  const state = join(folder(t), 'seen');
  const names = ['a', 'b', 'c', 'd'];
  await run({ state }, ...names.map((name) => at(1, name)));
  const whole = readFileSync(state);
  truncateSync(state, whole.length - 3);
  assert.deepEqual(await run({ state }, ...names.map((name) => at(1, name))), ['d']);
  assert.deepEqual(readFileSync(state), whole);
  const damaged = Buffer.from(whole);
  damaged[damaged.indexOf('"b"') + 1] = 0x7a;
  writeFileSync(state, damaged);
  assert.deepEqual(await run({ state }, ...names.map((name) => at(1, name))), ['b']);
  for (let size = 0; size <= whole.indexOf(10); size++) {
    writeFileSync(state, whole.subarray(0, size)); // killed before even the header was complete
    assert.deepEqual(await run({ state }, at(1, 'a'), at(1, 'a')), ['a']);
    assert.deepEqual(await run({ state }, at(1, 'a')), []);
  }
});

test('a file of other groups, or of something else, is not changed', async (t) => {
  const state = join(folder(t), 'seen');
  await run({ state }, at(1, 'a'));
  const before = readFileSync(state);
  await assert.rejects(
    run({ state, by: 'comm,dport' }, at(1, 'a')),
    /has groups by comm; use another file for --by comm,dport/,
  );
  assert.deepEqual(readFileSync(state), before);
  writeFileSync(state, 'precious\n');
  await assert.rejects(run({ state }, at(1, 'a')), /is not a state file of --new-only/);
  assert.equal(readFileSync(state, 'utf8'), 'precious\n');
});

/** A random number from 0 to 1 that a failure message shows, so that it can be repeated. */
const chance = () => Number(Math.random().toFixed(6));

test('kill -9 at any time: groups in the state were reported, are not reported again, and none is missing', async (t) => {
  const dir = folder(t);
  const [state, out] = [join(dir, 'seen'), join(dir, 'out')];
  writeFileSync(out, '');
  const argv = ['aggregate', '--by', 'comm', '--new-only', '--state', state];
  const recorded = () => {
    copyFileSync(state, join(dir, 'copy'));
    const lines = readFileSync(join(dir, 'copy'), 'utf8').split('\n').slice(1);
    return new Set(lines.slice(0, -1).map((line) => line.split('\t')[2]?.slice(1, -1)));
  };
  const reported = () => commsOf(readFileSync(out, 'utf8'));
  const batch = 50;
  const rounds = 20;
  for (let round = 0; round < rounds; round++) {
    const before = existsSync(state) ? recorded() : new Set<string>();
    const earlier = reported().length;
    const fd = openSync(out, 'a');
    const { child, ended } = start(t, argv, dir, ['pipe', fd, 'inherit']);
    let sent = 0;
    child.stdin?.write(ndjson(...Array.from({ length: (round + 1) * batch }, (_, i) => at(i, `p${i}`))));
    const more = setInterval(() => {
      child.stdin?.write(ndjson(at(0, `r${round}-${sent++}`)));
    }, 1);
    const [lines, ms] = [Math.floor(chance() * 2 * batch), chance() * 20];
    const where = `round ${round}, killed ${ms} ms after ${lines} lines`;
    await until(`some lines in ${where}`, () => reported().length > earlier + lines);
    await sleep(ms);
    killGroup(child);
    clearInterval(more);
    await ended;
    const all = reported();
    truncateSync(out, readFileSync(out).lastIndexOf(10) + 1); // a torn line was not reported
    for (const name of all.slice(earlier)) assert.ok(!before.has(name), `${name} was reported again in ${where}`);
    const known = new Set(all);
    const now = recorded();
    for (const name of now)
      assert.ok(known.has(name as string), `${name} is in the state, but was not reported; ${where}`);
    for (const name of before) assert.ok(now.has(name), `${name} was in the state, but no longer is; ${where}`);
  }
  const last = (rounds + 8) * batch;
  writeFileSync(join(dir, 'all'), ndjson(...Array.from({ length: last }, (_, i) => at(i, `p${i}`))));
  const whole = start(t, ['bash', '-c', `${argv.join(' ')} < all >> out`], dir);
  assert.equal((await whole.ended).code, 0);
  const known = new Set(reported());
  for (let i = 0; i < last; i++) assert.ok(known.has(`p${i}`), `p${i} was never reported`);
});

const groups = 300;
const expire = 800e6;
/** The step of rewriting the state at which the process is killed: before the nth system call of this kind on this path. */
const steps: [call: string, path: '' | 'seen' | 'seen.new', nth: number, isNew: boolean, later?: 'later'][] = [
  ['openat', 'seen.new', 1, false],
  ['write', 'seen.new', 1, false],
  ['fdatasync', 'seen.new', 1, false],
  ['rename', 'seen.new', 1, false],
  ['openat', '', 1, true],
  ['fsync', '', 1, true],
  ['write', 'seen', 3, true, 'later'], // a group that arrived later
  ['fdatasync', 'seen', 3, true, 'later'],
];

test('kill -9 at each step of rewriting the state loses nothing that it had', async (t) => {
  const dir = folder(t);
  const state = join(dir, 'seen');
  const given = ['aggregate', '--by', 'comm', '--new-only', '--expire', '800s', '--state', state];
  let now = 0;
  /** Returns all groups again, late enough that each makes a record. */
  const again = () => {
    now += expire / 6;
    return Array.from({ length: groups }, (_, i) => at(now, `p${i}`));
  };
  const full = join(dir, 'full'); // a few more records cause a rewrite
  await run({ state, expire: '800s' }, ...Array.from({ length: 35 }, again).flat());
  copyFileSync(state, full);
  const known = () => {
    const lines = readFileSync(state, 'utf8').split('\n').slice(1);
    return new Set(lines.slice(0, -1).map((line) => line.split('\t')[2]?.slice(1, -1)));
  };
  const late = now;
  for (const [call, path, nth, isNew, later] of steps) {
    now = late;
    copyFileSync(full, state);
    const { ino } = statSync(state);
    const where = `before ${call} ${nth} of ${path || 'the folder'}`;
    const killed = ['-f', '-qq', '-o', '/dev/null', '-P', join(dir, path), '-e', `trace=${call}`];
    const inject = ['-e', `inject=${call}:signal=KILL:when=${nth}`];
    const argv = ['env', 'UV_THREADPOOL_SIZE=1', 'strace', ...killed, ...inject, ...given];
    const { child, ended } = start(t, argv, dir);
    let out = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      out += text;
    });
    const recorded = (name: string) => until(`${name} in the state, ${where}`, () => known().has(name));
    child.stdin?.write(ndjson(at(now, 'before')));
    await recorded('before');
    child.stdin?.write(ndjson(...again().slice(0, groups / 2))); // few enough for one read and one write
    if (later) {
      await until(`a new state, ${where}`, () => statSync(state).ino !== ino);
      child.stdin?.write(ndjson(at(now, 'after')));
    }
    child.stdin?.end();
    assert.equal((await ended).signal, 'SIGKILL', `killed ${where}`);
    assert.equal(statSync(state).ino !== ino, isNew, `whether the new state is in place, ${where}`);
    const names = known();
    assert.ok(names.has('before'), `before is no longer in the state, killed ${where}`);
    for (let i = 0; i < groups; i++) assert.ok(names.has(`p${i}`), `p${i} is no longer in the state, killed ${where}`);
    assert.equal(names.has('after'), call === 'fdatasync' && later !== undefined, where);
    for (const name of names) {
      assert.ok(name?.startsWith('p') || commsOf(out).includes(`${name}`), `${name} was not reported, killed ${where}`);
    }
    const rest = await run({ state, expire: '800s' }, at(now, 'before'), ...again(), at(now, 'after'), at(now, 'last'));
    assert.deepEqual(rest, names.has('after') ? ['last'] : ['after', 'last'], `killed ${where}`);
    assert.deepEqual(await run({ state, expire: '800s' }, at(now, 'after'), at(now, 'last')), []);
  }
});
