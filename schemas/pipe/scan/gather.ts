import { kinds } from '../../generated/kinds.js';
import { LineField } from '../line/line-field.js';
import { sourcesOf } from '../line/virtual.js';

/** The bytes before the key in what is gathered from a line: length of the key, tag, time. */
const head = 16;

/** A field that no line has. */
const nowhere = new LineField('');

/** What to gather from lines, for gather.h: a key from the values of some fields, for the types that have a tag. */
export class GatherPlan {
  readonly plan: Int32Array;

  /** `addresses` are the fields with addresses: a line is not gathered if one of them may not be in standard form. */
  constructor(names: readonly string[], addresses: readonly string[], tags: Readonly<Record<string, number>>) {
    const bits = (which: (name: string) => boolean) =>
      names.reduce((all, name, at) => all | (which(name) ? 1 << at : 0), 0);
    const isVirtual = (name: string) => sourcesOf(name).length > 1;
    // the first source, dest itself, is in no schema of a scanned kind; gather.h stops at a line that may have it
    const fields = names.map((name) => {
      const [last = name, before = last] = sourcesOf(name).toReversed();
      return isVirtual(name) ? [new LineField(before), new LineField(last)] : [new LineField(name), nowhere];
    });
    const [ts, repeat] = [new LineField('ts'), new LineField('repeat')];
    const words = kinds.flatMap(({ type }, kind) => {
      const place = ({ places }: LineField) => places[kind] as number;
      return [tags[type] ?? -1, place(ts), place(repeat), ...fields.flatMap((both) => both.map(place))];
    });
    const isAddress = (name: string) => addresses.includes(sourcesOf(name).at(-1) as string);
    this.plan = Int32Array.of(names.length, bits(isAddress), bits(isVirtual), ...words);
  }
}

/** What was gathered from lines. */
export class GatheredLines {
  readonly #starts: Uint32Array;
  readonly #words: Uint32Array;
  readonly #times: Float64Array;

  constructor(
    private readonly all: Buffer,
    readonly count: number,
  ) {
    const { buffer, byteOffset, length } = all;
    this.#words = new Uint32Array(buffer, byteOffset, length / 4);
    this.#times = new Float64Array(buffer, byteOffset, length / 8);
    this.#starts = new Uint32Array(count + 1);
    for (let at = 0, start = 0; at < count; at++) {
      start += head + (((this.#words[start / 4] as number) + 7) & -8);
      this.#starts[at + 1] = start;
    }
  }

  /** Returns where the bytes of a line start. */
  start(at: number): number {
    return this.#starts[at] as number;
  }

  tag(at: number): number {
    return this.#words[this.start(at) / 4 + 1] as number;
  }

  /** Returns the time of a line, in µs since 1970. */
  time(at: number): number {
    return this.#times[this.start(at) / 8 + 1] as number;
  }

  /** Returns everything that was gathered from a range of lines. */
  bytes(from: number, to: number): Buffer {
    return this.all.subarray(this.start(from), this.start(to));
  }
}
