import { Field } from '../../schemas/pipe/field.js';
import type { Line } from '../../schemas/pipe/line.js';
import type { Output } from '../../schemas/pipe/stage.js';
import { appendBytes } from './append.js';
import { Memo } from './memo.js';
import type { Place } from './names.js';
import { age, type Told } from './seen.js';
import type { Parts, Reason } from './stage.js';
import type { EventTime } from './time.js';

/** What lines with the same values get. It is made anew after so long, so that all its sources are looked at. */
const holdsMs = 1_000;

/** The fields that lines get, as they were made once. */
export interface Made {
  /** All the fields, or, where the name is from the wire, those before its age and those after it. */
  before: string;
  after: string;
  told: Told | undefined;
  place: Place | undefined;
  reason: Reason | undefined;
  /** The fields of maps: those that a line has itself stay. */
  zones: readonly string[];
  /** In the time of performance.now(). */
  until: number;
}

interface Hit extends Omit<Made, 'before' | 'after'> {
  before: Buffer;
  after: Buffer;
  /** How often its address had been told. */
  tellings: number;
}

/** The short way for lines whose fields were made for another with the same values just before. */
export class Known {
  readonly #memo: Memo<Hit>;
  /** Fields that enrich gives: a line that has one of them takes the long way. */
  readonly #given: readonly Field[];

  constructor(
    { names, people, zones, saddr }: Parts,
    private readonly time: EventTime,
  ) {
    const { given, from } = people.fields;
    const own = names ? ['daddr', 'netns', ...(saddr ? ['saddr'] : [])] : [];
    this.#memo = new Memo([...new Set([...own, ...(zones ? ['daddr'] : []), ...from])]);
    const named = names ? ['name', ...(saddr ? ['saddr_name'] : [])] : [];
    this.#given = [...named, ...given].map((field) => new Field(field));
  }

  /** Sends a line on with its fields, if they are known. Returns how. */
  put(line: Line, out: Output, now: number): Hit | undefined {
    const hit = this.#memo.find(line);
    if (!hit || now >= hit.until || (hit.place && hit.tellings !== hit.place.told)) return undefined;
    if (this.#hasOwn(line, hit.zones)) return undefined;
    const { told } = hit;
    if (!told) {
      appendBytes(out, line.buffer, line.start, line.end, hit.before);
      return hit;
    }
    const at = this.time.of(line);
    if (at < told.from || at >= told.until) return undefined;
    appendBytes(out, line.buffer, line.start, line.end, hit.before, age(told.at, at), hit.after);
    return hit;
  }

  /** Keeps what the line, that of the last `put`, got. */
  remember(line: Line, made: Made, now: number): void {
    if (this.#hasOwn(line, made.zones)) return;
    const { before, after, until, place } = made;
    const tellings = place?.told ?? 0;
    const soon = Math.min(until, now + holdsMs);
    this.#memo.put({ ...made, before: Buffer.from(before), after: Buffer.from(after), until: soon, tellings });
  }

  #hasOwn(line: Line, zones: readonly string[]): boolean {
    for (let i = 0; i < this.#given.length; i++) if (line.locate(this.#given[i] as Field)) return true;
    return zones.some((field) => line.field(field) !== undefined);
  }

  clear(): void {
    this.#memo.clear();
  }
}
