import { defineCommand } from '../schemas/pipe/command/command.js';
import { type Given, integer, type Options, type Parsed, parseGiven } from '../schemas/pipe/command/options.js';
import { canonical } from '../schemas/pipe/line/canonical.js';
import { parseExact } from '../schemas/pipe/line/exact.js';
import type { AnyEvent, Line } from '../schemas/pipe/line/line.js';
import { LineField } from '../schemas/pipe/line/line-field.js';
import { logMessage } from '../schemas/pipe/messages/log.js';
import { type Metric, metric } from '../schemas/pipe/metrics/text.js';
import { AgingMap } from '../schemas/pipe/stage/aging-map.js';
import type { Output, Stage } from '../schemas/pipe/stage/stage.js';
import { Idle } from './aggregate/idle.js';
import { fieldNames, fields, Key, sayMissed } from './aggregate/key.js';
import { interval, parseTime } from './aggregate/time.js';
import { Timelines } from './aggregate/timelines.js';
import { chosenTypes, typeOptions } from './filter/types.js';

const usualBy = 'comm,daddr,dport,result,error';
const usualByOfLookups = 'comm,name,qtype,error';
const usualWithin = 10e6;
const usualKeys = 100_000;

const ts = new LineField('ts');
const id = new LineField('id');
const repeat = new LineField('repeat');

const options = {
  ...typeOptions,
  by: {
    value: 'FIELDS',
    parse: fields,
    words: fieldNames,
    help: `Events of one type are the same where these fields are: a list, with daddr/24 and ts:1m as in aggregate (default ${usualBy}; of dns events ${usualByOfLookups}).`,
  },
  within: {
    value: 'TIME',
    parse: interval,
    help: "How long after the first one, by the events' own time (default 10s).",
  },
  'max-keys': {
    value: 'N',
    parse: integer(1, 10_000_000),
    help: `Remember at most N different events, and N attempts that wait (default ${usualKeys}). With more, the oldest is forgotten early.`,
  },
} satisfies Options;

/** What came since the first event of its kind: how many, and the last one's line. */
interface Held {
  /** When the first one was, µs. */
  since: number;
  times: number;
  /** The last one has a `repeat` of its own. */
  counted: boolean;
  line: Buffer;
  length: number;
}

/**
 * Passes the first of several events that are the same, and holds back the others of that time. When it ends the last of
 * them follows, which says in `repeat` how many they were: nothing waits, and the sum of all is the input's.
 *
 * A pending event passes as it is and is never counted, since its attempt counts once it has ended. That outcome passes as
 * it is, too: if it were held back, the attempt would seem to wait forever.
 */
class Dedupe implements Stage {
  readonly name = 'dedupe';
  readonly types: readonly string[];
  readonly ends: readonly string[];
  readonly filters: Record<string, unknown>;
  readonly #key: Key;
  readonly #keyOfLookups: Key;
  readonly #within: number;
  readonly #most: number;
  readonly #timelines: Timelines<AgingMap<string, Held>>;
  readonly #ending: AgingMap<string, Held>[] = []; // of timelines that have ended
  readonly #waiting = new AgingMap<string, true>(); // ids of attempts that a pending event has passed for
  readonly #idle = new Idle();

  constructor({ values, given }: Parsed<typeof options>) {
    this.filters = given;
    ({ types: this.types, ends: this.ends } = chosenTypes(values));
    this.#key = new Key(values.by ?? fields(usualBy), this.types);
    this.#keyOfLookups = values.by ? this.#key : new Key(fields(usualByOfLookups), this.types);
    this.#within = values.within ?? usualWithin;
    this.#most = values.maxKeys ?? usualKeys;
    this.#timelines = new Timelines({
      bound: 10 * this.#within,
      hold: Number.POSITIVE_INFINITY,
      make: () => new AgingMap(),
      ended: (held) => this.#ending.push(held),
      report: (text) => logMessage('dedupe', `${text}; these events are not compared with the others`),
    });
  }

  line(line: Line, out: Output): void {
    const time = line.locate(ts) ? parseTime(line.raw, line.from + 1) : 0;
    this.#timelines.see(line, time);
    const { of: all, passed } = this.#timelines.current;
    this.#releaseEnded(out);
    this.#release(all, passed, out);
    if (this.#isReported(line)) {
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
    all.set(key, { since: time, times: 0, counted: false, line: nothing, length: 0 });
    out.pass(line);
    if (this.#size > this.#most) this.#end(all, all.oldest as string, out);
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

  metrics(): Metric[] {
    return [metric('synpipe_dedupe_keys', 'gauge', 'Different events that are watched for.', this.#size)];
  }

  end(): void {
    this.#idle.end();
    if (this.#key.length > 0) sayMissed(this.name, this.#key); // it has read a line
  }

  /** Whether this is a pending event, or the outcome of an attempt that had one. */
  #isReported(line: Line): boolean {
    if (line.type === 'pending') {
      this.#waiting.set(line.text(id) as string, true);
      if (this.#waiting.size > this.#most) this.#waiting.delete(this.#waiting.oldest as string);
      return true;
    }
    return line.type === 'outcome' && this.#waiting.size > 0 && this.#waiting.delete(line.text(id) as string);
  }

  /** Ends the times that are over, as many as go out at once. Returns whether there are more. */
  #release(all: AgingMap<string, Held>, time: number, out: Output): boolean {
    for (let key = all.oldest; key !== undefined; key = all.oldest) {
      const { since } = all.get(key) as Held;
      if (since + this.#within > time) return this.#putBack(all, key, time);
      if (out.full) return true;
      this.#end(all, key, out);
    }
    return false;
  }

  /** One from far ahead must not hold up those behind it. */
  #putBack(all: AgingMap<string, Held>, key: string, time: number): false {
    const held = all.get(key) as Held;
    if (held.since - time <= this.#timelines.bound || all.size === 1) return false;
    all.delete(key);
    all.set(key, held);
    return false;
  }

  /** The same of all that belongs to timelines that have ended. */
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

  /** In how many µs something is over if no event comes. */
  get #due(): number | undefined {
    const dues = this.#timelines.all.flatMap((timeline) => {
      const { of, live } = timeline;
      const oldest = of.oldest;
      return live && oldest !== undefined ? [(of.get(oldest) as Held).since + this.#within - timeline.idle()] : [];
    });
    return dues.length > 0 ? Math.min(...dues) : undefined;
  }
}

/** The line, with `repeat`: its own bytes, but for one that has it already. */
function repeated({ line, length, times, counted }: Held): Buffer {
  if (!counted) {
    const end = line.lastIndexOf('}', length - 1);
    return Buffer.concat([line.subarray(0, end), Buffer.from(`,"repeat":${times}}`)]);
  }
  const { repeat: _, ...event } = parseExact(line.toString('utf8', 0, length)) as AnyEvent;
  return Buffer.from(canonical({ ...event, repeat: times } as AnyEvent));
}

const nothing = Buffer.alloc(0);

function hold(held: Held, line: Line): void {
  held.counted = line.locate(repeat);
  held.times += held.counted ? line.number(repeat) : 1;
  held.length = line.end - line.start;
  if (held.length > held.line.length) held.line = Buffer.allocUnsafeSlow(held.length);
  line.buffer.copy(held.line, 0, line.start, line.end);
}

/** The stage for programs: `dedupe({ by: 'comm,daddr', within: '1m' })`. Throws UsageError on a bad value. */
export function dedupe(given: Given<typeof options> = {}): Stage {
  return new Dedupe(parseGiven(options, given));
}

export const command = defineCommand({
  name: 'dedupe',
  summary: 'passes the first of several events that are the same, and how many followed',
  usage: '[OPTION]…',
  examples: [
    ['collector | dedupe | sink-table', 'what is tried again and again appears twice every ten seconds'],
    ['collector | dedupe --by comm,name,result --within 5m', 'one program, one name, one result'],
  ],
  options,
  instead: { window: 'write --within', '': 'write --by FIELDS' },
  notes: `The first passes at once. Those that follow are held back. When the time is over, the last of them passes, with
"repeat" if it stands for several; aggregate counts it that many times. Pending events pass unchanged, and so does the
outcome of an attempt that had one. dns events end here unless --type or --keep-dns names them. All other events pass.`,
  stage: (parsed) => new Dedupe(parsed),
});
