import { attemptTypes } from '../../schemas/attempts.js';
import type { Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';
import { lineLimit } from '../../schemas/pipe/line/line-splitter.js';
import { AdditionCache, aged, at, reasonBits, split, timed, zoned } from '../../schemas/pipe/scan/addition-cache.js';
import type { ScannedLines } from '../../schemas/pipe/scan/scanned-lines.js';
import type { Output } from '../../schemas/pipe/stage/stage.js';
import type { Names, Place, Reason } from './names.js';
import type { People } from './people.js';
import type { EventTime } from './time.js';
import { age } from './wire-name.js';
import type { Zoned } from './zoned.js';

/** What lines with the same values get is made anew after so long, sooner where a cgroup is not known yet. */
const holdsMs = 10_000;
const unknownMs = 1_000;
/** An address may have events of some ports and users. */
const textsPerAddress = 2;
/** Until when it holds is kept as so many milliseconds, which fit a word for years. */
const tickMs = 64;

/** What gives lines their fields. */
export interface Sources {
  /** Left out where no names are wanted. */
  names?: Names;
  /** Names of local addresses too. */
  saddr: boolean;
  people: People;
  /** Fields by remote address, from maps. */
  zones?: Zoned;
  /** How many addresses are remembered. */
  cache: number;
}

/** The fields that lines get, as they were made once. */
export interface Made {
  /** All the fields, or, where the name is from the wire, those before its age. */
  before: string;
  /** Those after its age. */
  after: string;
  /**
   * Where the wire has answers with the address: when the name was answered, if there is one, and the attempts that
   * get these fields, by their times in [from, until), if they are of the same thread.
   */
  times: { answered: number | undefined; from: number; until: number; askers: readonly [number, number] } | undefined;
  place: Place | undefined;
  reason: Reason | undefined;
  /** The fields of maps: those that a line has itself stay. */
  zones: readonly string[];
  /** In the time of performance.now(). */
  until: number;
}

/** Why events go on without a name: a record has the place of its reason, and 0 without. */
const reasons = ['', 'none', 'late', 'busy', 'timeout', 'failed', 'silent', 'offline'] as const satisfies (
  | Reason
  | ''
)[];

/** The short way for lines whose fields were made for another with the same values just before. */
export class Known {
  readonly #texts: AdditionCache;
  /** Fields that enrich gives: a line that has one of them takes the long way. */
  readonly #given: readonly LineField[];
  /** Those that maps have given. */
  readonly #zones = new Set<string>();
  readonly #tellings: Int32Array;
  readonly #people: People;

  constructor(
    { names, people, zones, saddr, cache }: Sources,
    private readonly time: EventTime,
    /** Called when lines have gone on without a name. */
    private readonly unnamed: (reason: Reason, lines: number) => void,
  ) {
    this.#people = people;
    const { given, from } = people.fields;
    const asked = names ? ['daddr', ...(saddr ? ['saddr'] : [])] : [];
    const named = names ? ['name', ...(saddr ? ['saddr_name'] : [])] : [];
    this.#given = [...named, ...given].map((field) => new LineField(field));
    const fields = [...new Set([...asked, ...(zones ? ['daddr'] : []), ...from])];
    const group = ['cgroup', 'netns'].filter((field) => !fields.includes(field));
    this.#texts = new AdditionCache(attemptTypes, fields, group, ['pid', 'tid'], this.#given, textsPerAddress * cache);
    this.#tellings = names?.tellings ?? new Int32Array(1);
  }

  /** Sends lines on with their fields, from the first on, as long as they are known. Returns how many. */
  many(scanned: ScannedLines, out: Output, now: number): number {
    const texts = this.#texts;
    if (texts.words.length > 0) texts.generations = this.#tellings;
    const { lines, bytes, unnamed } = scanned.extend(texts, Math.floor(now / tickMs));
    if (lines === 0) return 0;
    out.lines(scanned.gathered, 0, bytes, lines);
    for (let reason = 1; reason < unnamed.length; reason++) {
      const count = unnamed[reason] as number;
      if (count > 0) this.unnamed(reasons[reason] as Reason, count);
    }
    return lines;
  }

  /** Sends a line on with its fields, if they are known. Returns whether. */
  put(line: Line, out: Output, now: number): boolean {
    const texts = this.#texts;
    const record = texts.find(line, now / tickMs, this.#tellings);
    if (record < 0 || !texts.holds(record, now / tickMs, this.#tellings)) return false;
    const { words } = texts;
    for (let i = 0; i < this.#given.length; i++) if (line.locate(this.#given[i] as LineField)) return false;
    const from = texts.from(record);
    const to = texts.to(record);
    if (line.end - line.start + to - from + 20 > lineLimit) return false;
    const what = words[record + at.what] as number;
    if (what & zoned) for (const zone of this.#zones) if (line.field(zone) !== undefined) return false;
    if (what & timed) {
      if (!this.#putTimed(line, out, record, (what & aged) !== 0)) return false;
    } else if (from === to) out.pass(line);
    else out.extended(line, texts.text, from, to);
    if (what & reasonBits) this.unnamed(reasons[what & reasonBits] as Reason, 1);
    return true;
  }

  /** Keeps what a line got. */
  remember(line: Line, made: Made, now: number): void {
    const { before, after, times, reason, zones } = made;
    if (this.#given.some((field) => line.locate(field)) || zones.some((field) => line.field(field) !== undefined))
      return;
    const first = times ? this.#write(line, 0, '', split, made, now) : 0;
    if (first < 0) return;
    if (times) this.#texts.words.set(times.askers, first + at.ids);
    const level = times ? this.#texts.level(line, times.askers) : 0;
    const what =
      (reason ? reasons.indexOf(reason) : 0) +
      (times ? timed : 0) +
      (times?.answered === undefined ? 0 : aged) +
      (zones.length > 0 ? zoned : 0);
    const record = this.#write(line, level, before + after, what, made, now);
    if (record < 0) return;
    if (times) this.#texts.setTimes(record, [times.answered ?? 0, times.from, times.until]);
    for (const zone of zones) this.#zones.add(zone);
  }

  clear(): void {
    this.#texts.clear();
  }

  #write(line: Line, level: number, text: string, what: number, { before, place, until }: Made, now: number): number {
    const record = this.#texts.put(line, level, text);
    if (record < 0) return record;
    const { words } = this.#texts;
    const mark = place?.mark ?? 0;
    words[record + at.until] = Math.floor(Math.min(until, now + (this.#people.unknown ? unknownMs : holdsMs)) / tickMs);
    words[record + at.mark] = mark;
    words[record + at.generation] = this.#tellings[mark] as number;
    words[record + at.what] = what;
    words[record + at.split] = Buffer.byteLength(before); // not of a split one
    return record;
  }

  #putTimed(line: Line, out: Output, record: number, withAge: boolean): boolean {
    const texts = this.#texts;
    const [answered, begin, until] = texts.times(record);
    const attempt = this.time.of(line);
    if (!(attempt >= begin && attempt < until)) return false;
    const from = texts.from(record);
    const middle = from + (texts.words[record + at.split] as number);
    const fields = Buffer.concat([
      texts.text.subarray(from, middle),
      Buffer.from(withAge ? String(age(answered, attempt)) : ''),
      texts.text.subarray(middle, texts.to(record)),
    ]);
    if (fields.length === 0) out.pass(line);
    else out.extended(line, fields, 0, fields.length);
    return true;
  }
}
