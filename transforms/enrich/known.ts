import { Field } from '../../schemas/pipe/field.js';
import type { Line } from '../../schemas/pipe/line.js';
import { lineLimit } from '../../schemas/pipe/lines.js';
import type { Output } from '../../schemas/pipe/stage.js';
import { Memo, own } from './memo.js';
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
  reason: Reason | undefined;
  zones: readonly string[];
  told: Told | undefined;
  /** Where in the text the age comes. */
  split: number;
}

/** A record's own numbers. */
const untilAt = own;
const markAt = own + 1;
const toldAt = own + 2;
const hasMoreAt = own + 3;

/** The short way for lines whose fields were made for another with the same values just before. */
export class Known {
  readonly #memo: Memo;
  readonly #more = new Map<number, More>();
  /** Fields that enrich gives: a line that has one of them takes the long way. */
  readonly #given: readonly Field[];
  readonly #tellings: Int32Array;
  readonly #aged = Buffer.alloc(2048);

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
    if (words[record + hasMoreAt] !== 0) return this.#special(line, out, this.#more.get(record) as More, from, to);
    if (from === to) out.pass(line);
    else out.extended(line, memo.text, from, to);
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
    const more = told || reason || zones.length > 0;
    words[record + hasMoreAt] = more ? 1 : 0;
    if (more) this.#more.set(record, { reason, zones, told, split: Buffer.byteLength(before) });
    else this.#more.delete(record);
  }

  clear(): void {
    this.#memo.clear();
  }

  #special(line: Line, out: Output, { reason, zones, told, split }: More, from: number, to: number): boolean {
    for (let i = 0; i < zones.length; i++) if (line.field(zones[i] as string) !== undefined) return false;
    const { text } = this.#memo;
    if (told) {
      const at = this.time.of(line);
      if (at < told.from || at >= told.until) return false;
      const aged = this.#aged;
      aged.set(text.subarray(from, from + split));
      const end = split + digits(aged, split, age(told.at, at));
      aged.set(text.subarray(from + split, to), end);
      out.extended(line, aged, 0, end + to - from - split);
    } else if (from === to) out.pass(line);
    else out.extended(line, text, from, to);
    if (reason) this.unnamed(reason);
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
