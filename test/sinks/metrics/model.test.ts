import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Line } from '../../../schemas/pipe/line/line.js';
import { Counts } from '../../../sinks/metrics/counts.js';
import { familiesOf } from '../../../sinks/metrics/families.js';
import { idleMs } from '../../../sinks/metrics/groups.js';
import { prometheus } from '../../../sinks/metrics/prometheus.js';

const names = ['comm', 'dest', 'team'];
const ts = '2026-11-23T08:15:30.123456Z';

/** Values that must become different labels, and some that become the same label. */
const values = {
  comm: fc.constantFrom(undefined, '', 'curl', 'other', 'a"b\\c\nd', '\ud800', '\ud801', '\ufffd'),
  name: fc.constantFrom(undefined, 'www.example', 'other'),
  daddr: fc.constantFrom('192.0.2.1', '192.0.2.2', '2001:db8::1'),
  team: fc.constantFrom<unknown>(undefined, 443, '443', 'other', ['x'], true, null),
};
const ended = {
  result: fc.constantFrom('established', 'refused', 'timeout'),
  retransmits: fc.constantFrom(undefined, 2),
};
const event = fc.oneof(
  fc.record({
    type: fc.constant('outcome'),
    ...values,
    ...ended,
    latency_us: fc.nat(),
    repeat: fc.constantFrom(undefined, 3),
  }),
  fc.record({ type: fc.constant('pending'), ...values, waited_us: fc.constant(1) }),
  fc.record({ type: fc.constantFrom('closed', 'open'), ...values, bytes_sent: fc.nat(), bytes_received: fc.nat() }),
);
const step = fc.record({
  event,
  /** The time before it (ms). */
  pause: fc.oneof({ weight: 5, arbitrary: fc.nat(1000) }, fc.nat(idleMs)),
  scrape: fc.boolean(),
});

type Fields = Record<string, unknown>;

function lineOf(event: Fields, at: number): Line {
  const common = { v: 1, seq: 1, ts, id: String(at % 7), family: 4, dport: 443, via: 'connect', start: ts, ...event };
  const { type, ...rest } = common as Fields;
  const whole = {
    type,
    ...rest,
    ...(type === 'pending' && { result: 'pending' }),
    ...(type === 'closed' && { closed_by: 'local' }),
  };
  const line = new Line();
  const bytes = Buffer.from(JSON.stringify(whole));
  assert.equal(line.take(bytes, 0, bytes.length), undefined, String(bytes));
  return line;
}

/** The labels of an event as Prometheus sees them. */
function labelsOf({ comm, name, daddr, team }: Fields): string[] {
  const text = (value: unknown) =>
    value === undefined ? '' : typeof value === 'string' ? Buffer.from(value).toString() : JSON.stringify(value);
  return [text(comm), text(name ?? daddr), text(team)];
}

interface Group {
  attempts: number;
  bytes: number;
  usedAt: number;
}

/** The groups that have a place, by the rule in the manual. */
class Model {
  readonly groups = new Map<string, Group>();
  readonly other: Group = { attempts: 0, bytes: 0, usedAt: 0 };
  /** Groups that have lost their place since the last scrape. */
  lost = new Set<string>();

  constructor(private readonly most: number) {}

  of(labels: readonly string[], now: number): Group {
    if (labels.every((text) => text === 'other')) return this.other;
    const key = String(labels.map((text) => JSON.stringify(text)));
    let group = this.groups.get(key);
    if (!group) {
      if (this.groups.size === this.most) {
        const [oldest, { usedAt }] = [...this.groups].reduce((a, b) => (b[1].usedAt < a[1].usedAt ? b : a));
        if (now - usedAt < idleMs) return this.other;
        this.groups.delete(oldest);
        this.lost.add(oldest);
      }
      group = { attempts: 0, bytes: 0, usedAt: now };
      this.groups.set(key, group);
    }
    group.usedAt = now;
    return group;
  }
}

test('any stream: the groups with series are those of the rule, each event counts once, and no counter decreases', () => {
  let [replaced, shared] = [0, 0];
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: 'max' }), fc.integer({ min: 1, max: 6 }), (steps, most) => {
      const counts = new Counts(names, most);
      const model = new Model(most);
      let now = 0;
      let before = new Map<string, number>();
      for (const [at, { event, pause, scrape }] of steps.entries()) {
        now += pause;
        counts.add(lineOf(event, at), now);
        const group = model.of(labelsOf(event), now);
        const { type, repeat, bytes_sent: bytes } = event as Fields;
        if (type === 'outcome') group.attempts += (repeat as number | undefined) ?? 1;
        if (type === 'closed' || type === 'open') group.bytes += bytes as number;
        if (!scrape) continue;
        check(counts, model, now);
        before = checkSamples(counts, model, now, before);
        if (model.lost.size > 0) replaced++;
        if (model.other.attempts > 0) shared++;
        model.lost = new Set();
      }
    }),
  );
  assert.ok(replaced > 10 && shared > 10, `${replaced} ${shared}`);
});

/** Checks that the counts of each group are the model's. */
function check(counts: Counts, model: Model, now: number): void {
  const sums = new Map<string, { attempts: number; bytes: number }>();
  for (const { name, points } of familiesOf(counts, now)) {
    for (const { group, value } of points) {
      if (!group) continue;
      const key = group === counts.groups.other ? 'other' : String(group.labels.map((text) => JSON.stringify(text)));
      const sum = sums.get(key) ?? { attempts: 0, bytes: 0 };
      if (name === 'synpipe.attempts') sum.attempts += value as number;
      if (name === 'synpipe.sent') sum.bytes += value as number;
      sums.set(key, sum);
    }
  }
  assert.ok(counts.groups.size <= [...model.groups].length);
  const wanted = [...model.groups, ['other', model.other] as const].map(
    ([key, { attempts, bytes }]) => [key, { attempts, bytes }] as const,
  );
  const any = ({ attempts, bytes }: { attempts: number; bytes: number }) => attempts + bytes > 0;
  assert.deepEqual(new Map([...sums].filter(([, one]) => any(one))), new Map(wanted.filter(([, one]) => any(one))));
}

const others = String(names.map(() => JSON.stringify('other')));

/** Checks that each series is there once, and that counters of groups that kept their place have not decreased. */
function checkSamples(
  counts: Counts,
  model: Model,
  now: number,
  before: ReadonlyMap<string, number>,
): Map<string, number> {
  const samples = new Map<string, number>();
  const groups = new Set<string>();
  for (const { name, type, samples: all } of prometheus(familiesOf(counts, now), names)) {
    for (const { labels, value, suffix = '' } of all) {
      const key = JSON.stringify([name + suffix, Buffer.from(JSON.stringify(labels)).toString()]);
      assert.ok(!samples.has(key), `${key} is there twice`);
      samples.set(key, value);
      const group = String(names.map((label) => JSON.stringify(labels[label] ?? '')));
      groups.add(group);
      if (type !== 'gauge' && !model.lost.has(group)) assert.ok(value >= (before.get(key) ?? 0), key);
    }
  }
  assert.ok(groups.size <= model.groups.size + 1);
  for (const key of before.keys()) {
    const { comm = '', dest = '', team = '' } = JSON.parse(JSON.parse(key)[1]);
    const group = String([comm, dest, team].map((text) => JSON.stringify(text)));
    if (group !== others && !model.lost.has(group)) assert.ok(samples.has(key), `${key} has gone`);
  }
  return samples;
}
