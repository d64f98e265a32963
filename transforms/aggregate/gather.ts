import { kinds } from '../../schemas/generated/kinds.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';
import { sourcesOf } from '../../schemas/pipe/line/virtual.js';
import type { ScannedLines } from '../../schemas/pipe/scan/scanned-lines.js';
import type { KernelMemory } from '../../schemas/pipe/scan/scanner.js';
import type { KeyWords } from './bytes.js';
import { gathered, gatherKind, gatherPlan, mostGathered } from './gather.layout.js';
import { addresses, type GroupField, isWhole } from './key.js';

/** Returns a plan for a key of these fields; undefined if only JavaScript can make that key. */
export function planToGather(
  by: readonly GroupField[],
  tags: Readonly<Record<string, number>>,
  repeats = false,
): GatherPlan | undefined {
  const names = by.map(({ name }) => name);
  return names.length <= mostGathered && by.every(isWhole) ? new GatherPlan(names, tags, repeats) : undefined;
}

/** A field that no line has. */
const nowhere = new LineField('');

/**
 * What to gather from lines, for gather.kernel.h: a key from the values of some fields, for the types that have a tag. A line is
 * not gathered if one of its addresses may not be in standard form, nor, without `repeats`, if it has a `repeat`.
 */
export class GatherPlan implements KernelMemory {
  readonly bytes = gatherPlan.bytes;
  readonly #plan: DataView = new DataView(new ArrayBuffer(this.bytes));

  constructor(names: readonly string[], tags: Readonly<Record<string, number>>, repeats = false) {
    const bits = (which: (name: string) => boolean) =>
      names.reduce((all, name, at) => all | (which(name) ? 1 << at : 0), 0);
    const isVirtual = (name: string) => sourcesOf(name).length > 1;
    // the first source, dest itself, is in no schema of a scanned kind; the kernel stops at a line that may have it
    const fields = names.map((name) => {
      const [last = name, before = last] = sourcesOf(name).toReversed();
      return isVirtual(name) ? [new LineField(before), new LineField(last)] : [new LineField(name), nowhere];
    });
    const [ts, repeat] = [new LineField('ts'), repeats ? nowhere : new LineField('repeat')];
    const isAddress = (name: string) => addresses.includes(sourcesOf(name).at(-1) as string);
    gatherPlan.write(this.#plan, 0, { fields: names.length, addresses: bits(isAddress), virtuals: bits(isVirtual) });
    for (const [kind, { type }] of kinds.entries()) {
      const place = ({ places }: LineField) => places[kind] as number;
      const values = { tag: tags[type] ?? -1, ts: place(ts), repeat: place(repeat), places: fields.flat().map(place) };
      gatherKind.write(this.#plan, gatherPlan.at.kinds + kind * gatherKind.bytes, values);
    }
  }

  use(memory: ArrayBuffer, offset: number): void {
    new Uint8Array(memory, offset).set(new Uint8Array(this.#plan.buffer));
  }

  /** Gathers from the lines, from the first to the first that needs JavaScript. The result is valid until the next call. */
  gather(lines: ScannedLines): GatheredLines {
    const count = lines.run('gather', this);
    return new GatheredLines(lines.output, count);
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
      start += gathered.bytes + (((this.#words[start / 4 + gathered.at.length] as number) + 7) & -8);
      this.#starts[at + 1] = start;
    }
  }

  /** Returns where the bytes of a line start. */
  start(at: number): number {
    return this.#starts[at] as number;
  }

  key(at: number): KeyWords {
    const start = this.start(at) / 4;
    const length = this.#words[start + gathered.at.length] as number;
    return { words: this.#words, from: start + gathered.bytes / 4, length };
  }

  tag(at: number): number {
    return this.#words[this.start(at) / 4 + gathered.at.tag] as number;
  }

  /** Returns the time of a line, in µs since 1970. */
  time(at: number): number {
    return this.#times[this.start(at) / 8 + gathered.at.time] as number;
  }

  /** Returns everything that was gathered from a range of lines. */
  bytes(from: number, to: number): Buffer {
    return this.all.subarray(this.start(from), this.start(to));
  }
}
