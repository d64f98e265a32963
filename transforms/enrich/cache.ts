import { attemptTypes } from '../../schemas/attempts.js';
import type { Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';
import { lineLimit } from '../../schemas/pipe/line/line-splitter.js';
import type { ScannedLines } from '../../schemas/pipe/scan/scanned-lines.js';
import type { Output } from '../../schemas/pipe/stage/stage.js';
import { AdditionCache } from './addition-cache.js';
import { addition, aged, reasonBits, split, timed, zoned } from './addition-cache.layout.js';
import { Appender } from './append.js';
import type { LocalFields } from './local-fields.js';
import type { MapFields } from './map-fields.js';
import type { AddressEntry, Names, Reason } from './names.js';
import type { EventTime } from './time.js';
import { age } from './wire-name.js';

const { at } = addition;
/** How long cached fields are used; shorter if they lack a cgroup that is not known yet. */
const maxAgeMs = 10_000;
const maxAgeIncompleteMs = 1_000;
/** One address may have events of several ports and users. */
const textsPerAddress = 2;
/** Expiry times are kept in units of this many ms, so that a 32 bit word is enough for years. */
const tickMs = 64;

/** What provides the fields that lines get. */
export interface FieldSources {
  /** Left out if no names are added. */
  names?: Names;
  /** Whether local addresses get names too. */
  saddr: boolean;
  localFields: LocalFields;
  /** Fields by remote address, from maps. */
  mapFields?: MapFields;
  /** How many addresses are remembered. */
  cache: number;
}

/** The fields that were added to a line, for other lines with the same values. */
export interface CachedFields {
  /** All the fields, or, if the name is from a dns event, those before the name's age. */
  before: string;
  /** The fields after the name's age. */
  after: string;
  /**
   * Set if a dns event has the address: when the name was answered, if there is a name. The fields are for attempts of the
   * same thread whose time is in [from, until).
   */
  times: { answered: number | undefined; from: number; until: number; askers: readonly [number, number] } | undefined;
  entry: AddressEntry | undefined;
  reason: Reason | undefined;
  /** The names of the fields from maps, which do not replace a line's own fields. */
  mapFields: readonly string[];
  /** In the time of performance.now(). */
  until: number;
}

/** The reasons why events get no name. A record has the index of its reason, or 0 without one. */
const reasons = ['', 'none', 'late', 'busy', 'timeout', 'failed', 'silent', 'offline'] as const satisfies (
  | Reason
  | ''
)[];

/** Keeps the fields that were added to recent lines, for lines with the same values. */
export class EnrichCache {
  readonly #texts: AdditionCache;
  readonly #appender = new Appender();
  /** The fields that enrich adds. A line that already has one of them is not served from the cache. */
  readonly #added: readonly LineField[];
  /** The fields that maps have added. */
  readonly #mapFields = new Set<string>();
  readonly #answerCounts: Int32Array;
  readonly #localFields: LocalFields;

  constructor(
    { names, localFields, mapFields, saddr, cache }: FieldSources,
    private readonly time: EventTime,
    /** Called when lines were written without a name. */
    private readonly unnamed: (reason: Reason, lines: number) => void,
  ) {
    this.#localFields = localFields;
    const { added, from } = localFields.fields;
    const addresses = names ? ['daddr', ...(saddr ? ['saddr'] : [])] : [];
    const named = names ? ['name', ...(saddr ? ['saddr_name'] : [])] : [];
    this.#added = [...named, ...added].map((field) => new LineField(field));
    const fields = [...new Set([...addresses, ...(mapFields ? ['daddr'] : []), ...from])];
    const group = ['cgroup', 'netns'].filter((field) => !fields.includes(field));
    this.#texts = new AdditionCache(attemptTypes, fields, group, ['pid', 'tid'], this.#added, textsPerAddress * cache);
    this.#answerCounts = names?.answerCounts ?? new Int32Array(1);
  }

  /** Writes lines with their fields, from the first line to the first that is not in the cache. Returns how many. */
  many(scanned: ScannedLines, out: Output, now: number): number {
    const texts = this.#texts;
    if (texts.words.length > 0) texts.generations = this.#answerCounts;
    const { count: lines, bytes, unnamed } = texts.extend(scanned, Math.floor(now / tickMs));
    if (lines === 0) return 0;
    out.bytes(scanned.output, 0, bytes - 1, lines);
    for (let reason = 1; reason < unnamed.length; reason++) {
      const count = unnamed[reason] as number;
      if (count > 0) this.unnamed(reasons[reason] as Reason, count);
    }
    return lines;
  }

  /** Writes a line with its fields if they are in the cache. Returns whether they are. */
  put(line: Line, out: Output, now: number): boolean {
    const texts = this.#texts;
    const record = texts.find(line, now / tickMs, this.#answerCounts);
    if (record < 0 || !texts.holds(record, now / tickMs, this.#answerCounts)) return false;
    const { words } = texts;
    for (let i = 0; i < this.#added.length; i++) if (line.locate(this.#added[i] as LineField)) return false;
    const from = texts.from(record);
    const to = texts.to(record);
    if (line.end - line.start + to - from + 20 > lineLimit) return false;
    const what = words[record + at.what] as number;
    if (what & zoned) for (const field of this.#mapFields) if (line.field(field) !== undefined) return false;
    if (what & timed) {
      if (!this.#putTimed(line, out, record, (what & aged) !== 0)) return false;
    } else if (from === to) out.pass(line);
    else this.#appender.append(out, line.buffer, line.start, line.end, texts.text, from, to);
    if (what & reasonBits) this.unnamed(reasons[what & reasonBits] as Reason, 1);
    return true;
  }

  /** Keeps the fields that a line got. */
  remember(line: Line, cached: CachedFields, now: number): void {
    const { before, after, times, reason, mapFields } = cached;
    if (this.#added.some((field) => line.locate(field)) || mapFields.some((field) => line.field(field) !== undefined))
      return;
    const first = times ? this.#write(line, 0, '', split, cached, now) : 0;
    if (first < 0) return;
    if (times) this.#texts.words.set(times.askers, first + at.ids);
    const level = times ? this.#texts.level(line, times.askers) : 0;
    const what =
      (reason ? reasons.indexOf(reason) : 0) +
      (times ? timed : 0) +
      (times?.answered === undefined ? 0 : aged) +
      (mapFields.length > 0 ? zoned : 0);
    const record = this.#write(line, level, before + after, what, cached, now);
    if (record < 0) return;
    if (times) this.#texts.setTimes(record, [times.answered ?? 0, times.from, times.until]);
    for (const field of mapFields) this.#mapFields.add(field);
  }

  clear(): void {
    this.#texts.clear();
  }

  #write(
    line: Line,
    level: number,
    text: string,
    what: number,
    { before, entry, until }: CachedFields,
    now: number,
  ): number {
    const record = this.#texts.put(line, level, text);
    if (record < 0) return record;
    const { words } = this.#texts;
    const mark = entry?.mark ?? 0;
    const maxAge = this.#localFields.incomplete ? maxAgeIncompleteMs : maxAgeMs;
    words[record + at.until] = Math.floor(Math.min(until, now + maxAge) / tickMs);
    words[record + at.mark] = mark;
    words[record + at.generation] = this.#answerCounts[mark] as number;
    words[record + at.what] = what;
    words[record + at.before] = Buffer.byteLength(before);
    return record;
  }

  #putTimed(line: Line, out: Output, record: number, withAge: boolean): boolean {
    const texts = this.#texts;
    const [answered, since, until] = texts.times(record);
    const attempt = this.time.of(line);
    if (!(attempt >= since && attempt < until)) return false;
    const from = texts.from(record);
    const middle = from + (texts.words[record + at.before] as number);
    const fields = Buffer.concat([
      texts.text.subarray(from, middle),
      Buffer.from(withAge ? String(age(answered, attempt)) : ''),
      texts.text.subarray(middle, texts.to(record)),
    ]);
    if (fields.length === 0) out.pass(line);
    else this.#appender.append(out, line.buffer, line.start, line.end, fields);
    return true;
  }
}
