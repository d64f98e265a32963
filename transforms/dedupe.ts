import { connectionTypes } from '../schemas/attempts.js';
import { defineCommand } from '../schemas/pipe/command/command.js';
import { type Given, integer, type Options, type Parsed, parseGiven } from '../schemas/pipe/command/options.js';
import { parseExact } from '../schemas/pipe/line/exact.js';
import type { AnyEvent, Line } from '../schemas/pipe/line/line.js';
import { LineField } from '../schemas/pipe/line/line-field.js';
import { logMessage } from '../schemas/pipe/messages/log.js';
import { metric } from '../schemas/pipe/metrics/text.js';
import type { ScannedLines } from '../schemas/pipe/scan/scanned-lines.js';
import { AgingMap } from '../schemas/pipe/stage/aging-map.js';
import type { Batch, Observe, Output, Stage, Traits } from '../schemas/pipe/stage/stage.js';
import type { KeyWords } from './aggregate/bytes.js';
import { type GatherPlan, planToGather } from './aggregate/gather.js';
import { IdleTimer } from './aggregate/idle.js';
import { fieldNames, fields, Key, knownFields, reportUnknownField } from './aggregate/key.js';
import { TextBuffer } from './aggregate/text.js';
import { interval, parseTime } from './aggregate/time.js';
import { Timelines } from './aggregate/timelines.js';
import { HeldEvents } from './dedupe/held-events.js';
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
  readonly batch: Batch = { lines: (lines, out) => this.#lines(lines, out) };
  readonly observe: Observe = {
    metrics: () => [metric('synpipe_dedupe_keys', 'gauge', 'Different events that are remembered.', this.#size)],
  };
  readonly #key: Key;
  readonly #keyOfLookups: Key;
  readonly #gather: GatherPlan | undefined;
  readonly #within: number;
  readonly #most: number;
  readonly #timelines: Timelines<HeldEvents>;
  readonly #ending: HeldEvents[] = []; // of timelines that have ended
  readonly #pending = new AgingMap<string, true>(); // ids of attempts whose pending event has passed
  readonly #idle = new IdleTimer();
  readonly #text = new TextBuffer();
  #newest = 0; // the time of the last event that had one
  #hasGathered = false; // whether a key was gathered

  constructor({ values, given }: Parsed<typeof options>) {
    const { types, drops } = chosenTypes(values);
    this.types = types;
    this.traits = { drops, options: given };
    this.#key = new Key(values.by ?? fields(defaultBy), this.types);
    this.#keyOfLookups = values.by ? this.#key : new Key(fields(defaultByOfLookups), this.types);
    const gathered = this.types.filter((type) => type !== 'dns' || values.by);
    const tags = Object.fromEntries(gathered.map((type) => [type, this.types.indexOf(type)]));
    this.#gather = planToGather(this.#key.fields, tags, true);
    this.#within = values.within ?? defaultWithin;
    this.#most = values.maxKeys ?? defaultKeys;
    this.#timelines = new Timelines({
      bound: 10 * this.#within,
      hold: Number.POSITIVE_INFINITY,
      make: () => new HeldEvents(),
      ended: (held) => this.#ending.push(held),
      report: (text) => logMessage('dedupe', `${text}; these events are not compared with the others`),
    });
  }

  line(line: Line, out: Output): void {
    const time = this.#timeOf(line);
    this.#advance(line, time, out);
    if (this.#mustPass(line)) out.pass(line);
    else {
      const key = line.type === 'dns' ? this.#keyOfLookups : this.#key;
      key.read(line);
      const { words, length } = key;
      this.#compare(line, time, this.types.indexOf(line.type), { words, from: 0, length }, out);
    }
  }

  /** Takes lines whose keys can be gathered. */
  #lines(scanned: ScannedLines, out: Output): number {
    if (!this.#gather) return 0;
    const lines = this.#gather.gather(scanned);
    for (let at = 0; at < lines.count; at++) {
      if (at > 0 && out.full) return at; // what is due then comes before the next line
      const line = scanned.line(at);
      this.#newest = lines.time(at);
      this.#advance(line, this.#newest, out);
      if (this.#mustPass(line)) out.pass(line);
      else {
        this.#hasGathered = true;
        this.#compare(line, this.#newest, lines.tag(at), lines.key(at), out);
      }
    }
    return lines.count;
  }

  /** Records an event's time, and writes what is due by then. */
  #advance(line: Line, time: number, out: Output): void {
    this.#timelines.observe(line, time);
    const { of: all, passed } = this.#timelines.current;
    this.#releaseEnded(out);
    this.#release(all, passed, out);
  }

  /** Passes an event if it is the first one with its key, otherwise holds it back. */
  #compare(line: Line, time: number, type: number, key: KeyWords, out: Output): void {
    const all = this.#timelines.current.of;
    const entry = all.find(type, key);
    if (entry > 0 && Math.abs(time - all.since(entry)) < this.#within) {
      hold(all, entry, line);
      out.drop();
      return;
    }
    if (entry > 0) this.#end(all, entry, out);
    all.add(type, key, time);
    out.pass(line);
    if (this.#size > this.#most) this.#end(all, all.oldest, out);
  }

  /** Returns an event's time. One without a valid time, which comes only with --lenient, has that of the one before it. */
  #timeOf(line: Line): number {
    if (line.lenient && !isTime.test(line.text(ts) ?? '')) return this.#newest;
    this.#newest = line.locate(ts) ? parseTime(line.raw, line.from + 1) : 0;
    return this.#newest;
  }

  flush(out: Output): void {
    const { all } = this.#timelines;
    for (const held of [...this.#ending, ...all.map(({ of }) => of)]) held.settle();
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
    const hasRead = this.#hasGathered || this.#key.length > 0;
    if (hasRead) reportUnknownField(this.name, this.#key);
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
  #release(all: HeldEvents, time: number, out: Output): boolean {
    for (let entry = all.oldest; entry > 0; entry = all.oldest) {
      const since = all.since(entry);
      if (since + this.#within > time) {
        // a time far ahead must not block the later ones
        if (since - time > this.#timelines.bound) all.moveToEnd(entry);
        return false;
      }
      if (out.full) return true;
      this.#end(all, entry, out);
    }
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

  /** Forgets an event, and writes its repetitions: the line of the last one, with their number if there are several. */
  #end(all: HeldEvents, entry: number, out: Output): void {
    const times = all.times(entry);
    if (times > 0) {
      const { bytes, start, end } = all.line(entry);
      if (times === 1) out.bytes(bytes, start, end);
      else if (all.hasRepeat(entry)) {
        const { repeat: _, ...event } = parseExact(bytes.toString('utf8', start, end)) as AnyEvent;
        out.write({ ...event, repeat: times } as AnyEvent);
      } else {
        const text = this.#text;
        text.length = 0;
        text.bytes(bytes, start, bytes.lastIndexOf('}', end - 1));
        text.field(',"repeat":', times);
        text.ascii('}');
        out.bytes(text.buffer, 0, text.length);
      }
    }
    all.remove(entry);
  }

  get #size(): number {
    return this.#timelines.all.reduce((sum, { of }) => sum + of.size, 0);
  }

  /** In how many µs the next repetition is due if no event arrives. */
  get #due(): number | undefined {
    const dues = this.#timelines.all.flatMap((timeline) => {
      const { of, live } = timeline;
      return live && of.size > 0 ? [of.since(of.oldest) + this.#within - timeline.idle()] : [];
    });
    return dues.length > 0 ? Math.min(...dues) : undefined;
  }
}

const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

function hold(all: HeldEvents, entry: number, line: Line): void {
  const hasRepeat = line.locate(repeat);
  const times = hasRepeat ? line.number(repeat) : 1;
  all.hold(entry, line, times >= 1 ? times : 1, hasRepeat);
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
