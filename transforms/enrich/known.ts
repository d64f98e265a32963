import { Field } from '../../schemas/pipe/field.js';
import type { Line } from '../../schemas/pipe/line.js';
import { lineLimit } from '../../schemas/pipe/lines.js';
import type { Output } from '../../schemas/pipe/stage.js';
import { Memo, own, slotOf, slots } from './memo.js';
import type { Place } from './names.js';
import { age, type Told } from './seen.js';
import type { Parts, Reason } from './stage.js';
import type { EventTime } from './time.js';

/** What lines with the same values get. It is made anew after so long, so that all its sources are looked at. */
const holdsMs = 1_000;
/** Until when it holds is kept as so many milliseconds, which fit a word for years. */
const tickMs = 64;

/** The fields that lines get, as they were made once. */
export interface Made {
  /** All the fields, or, where the name is from the wire, those before its age. */
  before: string;
  /** Those after its age. */
  after: string;
  told: Told | undefined;
  place: Place | undefined;
  reason: Reason | undefined;
  /** The fields of maps: those that a line has itself stay. */
  zones: readonly string[];
  /** In the time of performance.now(). */
  until: number;
}

/** What few records have. */
interface More {
  zones: readonly string[];
  told: Told | undefined;
  /** The fields, where the age is among them: it comes at `split`, and `after` behind it. */
  aged: Buffer;
  split: number;
  after: Buffer;
  /** How many digits the age in `aged` has. */
  digits: number;
}

/** Why events go on without a name: a record has the place of its reason, and 0 without. */
const reasons = ['', 'none', 'late', 'busy', 'timeout', 'failed', 'silent', 'offline'] as const satisfies (
  | Reason
  | ''
)[];

/** A record's own numbers. */
const untilAt = own;
const markAt = own + 1;
const toldAt = own + 2;
/** The place of its reason, and above that whether it has more. */
const kindAt = own + 3;
const hasMore = 8;

/** The short way for lines whose fields were made for another with the same values just before. */
export class Known {
  readonly #memo: Memo;
  readonly #more = new Array<More | undefined>(slots).fill(undefined);
  /** Fields that enrich gives: a line that has one of them takes the long way. */
  readonly #given: readonly Field[];
  readonly #tellings: Int32Array;

  constructor(
    { names, people, zones, saddr }: Parts,
    private readonly time: EventTime,
    /** Called when a line has gone on without a name. */
    private readonly unnamed: (reason: Reason) => void,
  ) {
    const { given, from } = people.fields;
    const asked = names ? ['daddr', 'netns', ...(saddr ? ['saddr'] : [])] : [];
    this.#memo = new Memo([...new Set([...asked, ...(zones ? ['daddr'] : []), ...from])]);
    this.#tellings = names?.tellings ?? new Int32Array(1);
    const named = names ? ['name', ...(saddr ? ['saddr_name'] : [])] : [];
    this.#given = [...named, ...given].map((field) => new Field(field));
  }

  /** Sends a line on with its fields, if they are known. Returns whether. */
  put(line: Line, out: Output, now: number): boolean {
    const memo = this.#memo;
    const record = memo.find(line);
    if (record < 0) return false;
    const { words } = memo;
    if (now >= (words[record + untilAt] as number) * tickMs) return false;
    if (this.#tellings[words[record + markAt] as number] !== words[record + toldAt]) return false;
    for (let i = 0; i < this.#given.length; i++) if (line.locate(this.#given[i] as Field)) return false;
    const from = memo.from(record);
    const to = memo.to(record);
    if (line.end - line.start + to - from + 20 > lineLimit) return false;
    const kind = words[record + kindAt] as number;
    if (kind >= hasMore) {
      if (!this.#special(line, out, this.#more[slotOf(record)] as More, from, to)) return false;
    } else if (from === to) out.pass(line);
    else out.extended(line, memo.text, from, to);
    if (kind & (hasMore - 1)) this.unnamed(reasons[kind & (hasMore - 1)] as Reason);
    return true;
  }

  /** Keeps what the line, that of the last `put`, got. */
  remember(line: Line, { before, after, told, place, reason, zones, until }: Made, now: number): void {
    if (this.#given.some((field) => line.locate(field)) || zones.some((field) => line.field(field) !== undefined))
      return;
    const record = this.#memo.put(before + after);
    if (record < 0) return;
    const { words } = this.#memo;
    const mark = place?.mark ?? 0;
    words[record + untilAt] = Math.floor(Math.min(until, now + holdsMs) / tickMs);
    words[record + markAt] = mark;
    words[record + toldAt] = this.#tellings[mark] as number;
    const more = told !== undefined || zones.length > 0;
    words[record + kindAt] = (reason ? reasons.indexOf(reason) : 0) + (more ? hasMore : 0);
    if (!more) return;
    const [head, tail] = [Buffer.from(before), Buffer.from(after)];
    const aged = Buffer.concat([head, Buffer.alloc(20), tail]);
    this.#more[slotOf(record)] = { zones, told, aged, split: head.length, after: tail, digits: 0 };
  }

  clear(): void {
    this.#memo.clear();
  }

  #special(line: Line, out: Output, more: More, from: number, to: number): boolean {
    const { zones, told, aged, split, after } = more;
    for (let i = 0; i < zones.length; i++) if (line.field(zones[i] as string) !== undefined) return false;
    if (!told) {
      if (from === to) out.pass(line);
      else out.extended(line, this.#memo.text, from, to);
      return true;
    }
    const at = this.time.of(line);
    if (at < told.from || at >= told.until) return false;
    const written = digits(aged, split, age(told.at, at));
    if (written !== more.digits) aged.set(after, split + written);
    more.digits = written;
    out.extended(line, aged, 0, split + written + after.length);
    return true;
  }
}

/** Writes a number. Returns how many digits it has. */
function digits(into: Buffer, at: number, number: number): number {
  let length = 1;
  for (let rest = number; rest >= 10; rest = Math.floor(rest / 10)) length++;
  for (let i = at + length - 1, rest = number; i >= at; i--, rest = Math.floor(rest / 10)) into[i] = 48 + (rest % 10);
  return length;
}
