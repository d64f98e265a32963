import { connectionTypes } from '../schemas/attempts.js';
import { defineCommand } from '../schemas/pipe/command/command.js';
import { type Given, integer, type Options, type Parsed, parseGiven } from '../schemas/pipe/command/options.js';
import { canonical } from '../schemas/pipe/line/canonical.js';
import { parseExact } from '../schemas/pipe/line/exact.js';
import type { AnyEvent, Line } from '../schemas/pipe/line/line.js';
import { LineField } from '../schemas/pipe/line/line-field.js';
import { logMessage } from '../schemas/pipe/messages/log.js';
import { metric } from '../schemas/pipe/metrics/text.js';
import { AgingMap } from '../schemas/pipe/stage/aging-map.js';
import type { Observe, Output, Stage, Traits } from '../schemas/pipe/stage/stage.js';
import { IdleTimer } from './aggregate/idle.js';
import { fieldNames, fields, Key, knownFields, reportUnknownField } from './aggregate/key.js';
import { interval, parseTime } from './aggregate/time.js';
import { Timelines } from './aggregate/timelines.js';
import { chosenTypes, typeOptions } from './filter/types.js';

const defaultBy = 'comm,daddr,dport,result,error';
const defaultByOfLookups = 'comm,name,qtype,error';
const defaultWithin = 10e6; // µs
const defaultKeys = 100_000;

const ts = new LineField('ts');
const id = new LineField('id');
const repeat = new LineField('repeat');

const options = {
  ...typeOptions,
  by: {
    value: 'FIELDS',
    parse: knownFields,
    words: fieldNames,
    help: `Events of one type are the same if these fields are: a list, with daddr/24 and ts:1m as in aggregate (default ${defaultBy}; for dns events ${defaultByOfLookups}).`,
  },
  within: {
    value: 'TIME',
    parse: interval,
    help: 'How long after the first event to hold back the same events, in event time (default 10s).',
  },
  'max-keys': {
    value: 'N',
    parse: integer(1, 10_000_000),
    help: `Remember at most N different events and N pending attempts (default ${defaultKeys}). Beyond that, the oldest is forgotten early.`,
  },
} satisfies Options;

/** The repetitions of an event that are held back: their number, and the line of the last one. */
interface Held {
  /** The time of the first event, which has passed, µs. */
  since: number;
  times: number;
  /** Whether the last line has a `repeat` field already. */
  hasRepeat: boolean;
  line: Buffer;
  length: number;
}

/**
 * Passes the first of several events that are the same, and holds back its repetitions for a time. When that time is over,
 * the last repetition passes, with their number in `repeat`. So the first event is never delayed, and the counts add up to
 * the input's.
 *
 * A pending event passes unchanged and is never counted, because its attempt is counted when it ends. The outcome of that
 * attempt passes unchanged too: if it were held back, the attempt would seem to be pending forever. Closed and open events
 * pass unchanged, because no other event can stand for their figures.
 */
class Dedupe implements Stage {
  readonly name = 'dedupe';
  readonly types: readonly string[];
  readonly traits: Traits;
  readonly observe: Observe = {
    metrics: () => [metric('synpipe_dedupe_keys', 'gauge', 'Different events that are remembered.', this.#size)],
  };
  readonly #key: Key;
  readonly #keyOfLookups: Key;
  readonly #within: number;
  readonly #most: number;
  readonly #timelines: Timelines<AgingMap<string, Held>>;
  readonly #ending: AgingMap<string, Held>[] = []; // of timelines that have ended
  readonly #pending = new AgingMap<string, true>(); // ids of attempts whose pending event has passed
  readonly #idle = new IdleTimer();
  #newest = 0; // the time of the last event that had one

  constructor({ values, given }: Parsed<typeof options>) {
    const { types, drops } = chosenTypes(values);
    this.types = types;
    this.traits = { drops, options: given };
    this.#key = new Key(values.by ?? fields(defaultBy), this.types);
    this.#keyOfLookups = values.by ? this.#key : new Key(fields(defaultByOfLookups), this.types);
    this.#within = values.within ?? defaultWithin;
    this.#most = values.maxKeys ?? defaultKeys;
    this.#timelines = new Timelines({
      bound: 10 * this.#within,
      hold: Number.POSITIVE_INFINITY,
      make: () => new AgingMap(),
      ended: (held) => this.#ending.push(held),
      report: (text) => logMessage('dedupe', `${text}; these events are not compared with the others`),
    });
  }

  line(line: Line, out: Output): void {
    const time = this.#timeOf(line);
    this.#timelines.observe(line, time);
    const { of: all, passed } = this.#timelines.current;
    this.#releaseEnded(out);
    this.#release(all, passed, out);
    if (this.#mustPass(line)) {
      out.pass(line);
      return;
    }
    const group = line.type === 'dns' ? this.#keyOfLookups : this.#key;
    group.read(line);
    const key = line.type + group.buffer.toString('latin1', 0, group.length);
    const held = all.get(key);
    if (held && Math.abs(time - held.since) < this.#within) {
      hold(held, line);
      out.drop();
      return;
    }
    if (held) this.#end(all, key, out);
    all.set(key, { since: time, times: 0, hasRepeat: false, line: nothing, length: 0 });
    out.pass(line);
    if (this.#size > this.#most) this.#end(all, all.oldest as string, out);
  }

  /** Returns an event's time. One without a valid time, which comes only with --lenient, has that of the one before it. */
  #timeOf(line: Line): number {
    if (line.lenient && !isTime.test(line.text(ts) ?? '')) return this.#newest;
    this.#newest = line.locate(ts) ? parseTime(line.raw, line.from + 1) : 0;
    return this.#newest;
  }

  flush(out: Output): void {
    const { all } = this.#timelines;
    if (this.#releaseEnded(out) || all.some((one) => this.#release(one.of, one.idle(), out))) out.wake();
    else this.#idle.after(this.#due, out.wake);
  }

  finish(out: Output): boolean {
    return (
      this.#releaseEnded(out) || this.#timelines.all.some(({ of }) => this.#release(of, Number.POSITIVE_INFINITY, out))
    );
  }

  close(): void {
    this.#idle.end();
    if (this.#key.length > 0) reportUnknownField(this.name, this.#key); // the key has read a line
  }

  /** Returns whether this is an event of a connection, a pending event, or the outcome of an attempt that had one. */
  #mustPass(line: Line): boolean {
    if (connectionTypes.includes(line.type)) return true;
    if (line.type === 'pending') {
      const attempt = line.text(id);
      if (attempt !== undefined) this.#pending.set(attempt, true);
      if (this.#pending.size > this.#most) this.#pending.delete(this.#pending.oldest as string);
      return true;
    }
    return line.type === 'outcome' && this.#pending.size > 0 && this.#pending.delete(line.text(id) ?? '');
  }

  /** Writes the repetitions whose time is over, until the output is full. Returns whether there are more. */
  #release(all: AgingMap<string, Held>, time: number, out: Output): boolean {
    for (let key = all.oldest; key !== undefined; key = all.oldest) {
      const { since } = all.get(key) as Held;
      if (since + this.#within > time) return this.#putBack(all, key, time);
      if (out.full) return true;
      this.#end(all, key, out);
    }
    return false;
  }

  /** Moves an event whose time is far ahead to the end, so that it does not block later ones. */
  #putBack(all: AgingMap<string, Held>, key: string, time: number): false {
    const held = all.get(key) as Held;
    if (held.since - time <= this.#timelines.bound || all.size === 1) return false;
    all.delete(key);
    all.set(key, held);
    return false;
  }

  /** Writes all repetitions of timelines that have ended. Returns whether there are more. */
  #releaseEnded(out: Output): boolean {
    for (let all = this.#ending[0]; all; all = this.#ending[0]) {
      if (this.#release(all, Number.POSITIVE_INFINITY, out)) return true;
      this.#ending.shift();
    }
    return false;
  }

  #end(all: AgingMap<string, Held>, key: string, out: Output): void {
    const held = all.get(key) as Held;
    all.delete(key);
    if (held.times === 0) return;
    const bytes = held.times === 1 ? held.line.subarray(0, held.length) : repeated(held);
    out.bytes(bytes, 0, bytes.length);
  }

  get #size(): number {
    return this.#timelines.all.reduce((sum, { of }) => sum + of.size, 0);
  }

  /** In how many µs the next repetition is due if no event arrives. */
  get #due(): number | undefined {
    const dues = this.#timelines.all.flatMap((timeline) => {
      const { of, live } = timeline;
      const oldest = of.oldest;
      return live && oldest !== undefined ? [(of.get(oldest) as Held).since + this.#within - timeline.idle()] : [];
    });
    return dues.length > 0 ? Math.min(...dues) : undefined;
  }
}

/** Returns the line with `repeat`. The field is appended to the line's bytes, unless the line has a `repeat` to replace. */
function repeated({ line, length, times, hasRepeat }: Held): Buffer {
  if (!hasRepeat) {
    const end = line.lastIndexOf('}', length - 1);
    return Buffer.concat([line.subarray(0, end), Buffer.from(`,"repeat":${times}}`)]);
  }
  const { repeat: _, ...event } = parseExact(line.toString('utf8', 0, length)) as AnyEvent;
  return Buffer.from(canonical({ ...event, repeat: times } as AnyEvent));
}

const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
const nothing = Buffer.alloc(0);

function hold(held: Held, line: Line): void {
  held.hasRepeat = line.locate(repeat);
  const times = held.hasRepeat ? line.number(repeat) : 1;
  held.times += times >= 1 ? times : 1;
  held.length = line.end - line.start;
  if (held.length > held.line.length) held.line = Buffer.allocUnsafeSlow(held.length);
  line.buffer.copy(held.line, 0, line.start, line.end);
}

/** Creates the stage for use in a program: `dedupe({ by: 'comm,daddr', within: '1m' })`. Throws UsageError on a bad value. */
export function dedupe(given: Given<typeof options> = {}): Stage {
  return new Dedupe(parseGiven(options, given));
}

export const command = defineCommand({
  name: 'dedupe',
  summary: 'passes the first of several identical events, then the number of repetitions',
  usage: '[OPTION]…',
  examples: [
    ['collector | dedupe | sink-table', 'attempts that repeat appear at most twice every ten seconds'],
    ['collector | dedupe --by comm,name,result --within 5m', 'events are the same if program, name and result are'],
  ],
  options,
  lenient: true,
  instead: { window: 'use --within', '': 'use --by FIELDS' },
  notes: `The first event passes at once, and its repetitions are held back. When the time is over, the last repetition
passes, with their number in "repeat" if there were several; aggregate counts it that many times. Pending, closed and open events
pass unchanged, and so does the outcome of an attempt that had a pending event. dns events are dropped unless you give --type dns or
--keep-dns. All other events pass.`,
  stage: (parsed) => new Dedupe(parsed),
});
