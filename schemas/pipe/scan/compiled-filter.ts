import { kinds } from '../../generated/kinds.js';
import type { Line } from '../line/line.js';
import { LineField } from '../line/line-field.js';

/** A condition on lines that can be evaluated without JavaScript. */
export type Condition =
  | { is: 'and' | 'or'; of: readonly Condition[] }
  | { is: 'not'; of: Condition }
  /** The line is of this type. */
  | { is: 'type'; type: string }
  /** The line has the field. */
  | { is: 'has'; field: string }
  /** The field is a whole number in one of these ranges, both ends included. */
  | { is: 'within'; field: string; ranges: readonly Range[] }
  /** The field is an address in one of these networks. */
  | { is: 'network'; field: string; networks: readonly Network[] }
  /** `holds` decides, and its answer depends only on the field's value; for lines without the field it is `missing`. */
  | { is: 'remembered'; field: string; missing: boolean; holds: (line: Line) => boolean };

export type Range = readonly [first: number, last: number];

/** IPv4 networks are stored as IPv4-mapped (::ffff:…), and match mapped addresses too. IPv6 networks match no IPv4 address. */
export interface Network {
  ipv6: boolean;
  /** 16 bytes. */
  bytes: Uint8Array;
  /** The prefix length in bits, out of 128. */
  prefix: number;
}

const whats = ['type', 'has', 'within', 'network', 'remembered'] as const;
type Question = Exclude<Condition, { of: unknown }>;
const pass = -1;
const drop = -2;
const headWords = 4;
const questionWords = 4 + kinds.length;
const memoryWords = 2 + 2048 * 16;
const maxMemories = 24;

/** A filter, compiled for filter.h, which describes the layout. */
export class CompiledFilter {
  readonly #questions: { ask: Question; yes: number; no: number }[] = [];
  /** The kinds of the lines filtered so far, as bits, by index in `kinds`. */
  seen = 0;
  readonly #first: number;
  readonly #wanted: number;
  readonly #ends: number;
  readonly #dns: number;

  /**
   * @param types the types that the condition applies to
   * @param ends the types that never pass. All others pass.
   */
  constructor(types: readonly string[], ask: Condition, ends: readonly string[] = []) {
    this.#wanted = bitsOf(types);
    this.#ends = bitsOf(ends);
    this.#dns = this.#ends & bitsOf(['dns']);
    this.#first = this.#add(ask, pass, drop);
  }

  /** Whether a dns event was dropped because of `ends`. */
  get hasDroppedDns(): boolean {
    return (this.seen & this.#dns) !== 0;
  }

  /** Whether a line of this type was filtered. */
  saw(type: string): boolean {
    return kinds.some((kind, at) => kind.type === type && (this.seen >> at) & 1);
  }

  /** The memory it needs, in words. */
  get words(): number {
    return this.#questions.reduce((sum, { ask }) => sum + wordsOf(ask), this.#begin);
  }

  /** Whether its memory may fit. */
  get fits(): boolean {
    return this.#questions.filter(({ ask }) => ask.is === 'remembered').length <= maxMemories;
  }

  /** Writes the filter to its memory, which is all zeros. */
  write(into: Int32Array): void {
    into.set([this.#wanted, this.#first, this.#ends]);
    let more = this.#begin;
    for (const [at, { ask, yes, no }] of this.#questions.entries()) {
      const places =
        ask.is === 'type' ? kinds.map(({ type }) => (type === ask.type ? 0 : -1)) : new LineField(ask.field).places;
      into.set([whats.indexOf(ask.is), yes, no, more, ...places], headWords + at * questionWords);
      writeMore(ask, into.subarray(more, more + wordsOf(ask)));
      more += wordsOf(ask);
    }
  }

  /** Returns the byte offset of the memory for an unanswered question; undefined if the question needs no memory. */
  memoryOf(question: number): number | undefined {
    if (this.#questions[question]?.ask.is !== 'remembered') return undefined;
    const before = this.#questions.slice(0, question);
    return 4 * before.reduce((sum, { ask }) => sum + wordsOf(ask), this.#begin);
  }

  /** Returns the field of a question. */
  fieldOf(question: number): LineField {
    const { ask } = this.#questions[question] as { ask: Question & { field: string } };
    return new LineField(ask.field);
  }

  /** Answers a question for a line. */
  answer(question: number, line: Line): boolean {
    const { ask } = this.#questions[question] as { ask: Question };
    return ask.is === 'remembered' && ask.holds(line);
  }

  get #begin(): number {
    return (headWords + this.#questions.length * questionWords + 1) & ~1;
  }

  /** Adds the questions of a condition. Returns the first one, or the verdict if no question is needed. */
  #add(ask: Condition, yes: number, no: number): number {
    switch (ask.is) {
      case 'and':
        return ask.of.reduceRight((next, one) => this.#add(one, next, no), yes);
      case 'or':
        return ask.of.reduceRight((next, one) => this.#add(one, yes, next), no);
      case 'not':
        return this.#add(ask.of, no, yes);
      default:
        return this.#questions.push({ ask, yes, no }) - 1;
    }
  }
}

/** Returns the kinds of these types, as bits. */
function bitsOf(types: readonly string[]): number {
  return kinds.reduce((bits, { type }, kind) => (types.includes(type) ? bits | (1 << kind) : bits), 0);
}

function wordsOf(ask: Question): number {
  switch (ask.is) {
    case 'within':
      return 2 + 4 * ask.ranges.length;
    case 'network':
      return 2 + 10 * ask.networks.length;
    case 'remembered':
      return memoryWords;
    default:
      return 0;
  }
}

function writeMore(ask: Question, into: Int32Array): void {
  const view = new DataView(into.buffer, into.byteOffset, into.byteLength);
  switch (ask.is) {
    case 'within':
      into[0] = ask.ranges.length;
      for (const [at, value] of ask.ranges.flat().entries()) view.setFloat64(8 + 8 * at, value, true);
      break;
    case 'network':
      into[0] = ask.networks.length;
      for (const [at, { ipv6, bytes, prefix }] of ask.networks.entries()) {
        const rule = 8 + 40 * at;
        view.setInt32(rule, ipv6 ? 1 : 0, true);
        for (let i = 0; i < 16; i++) {
          const mask = 0xff & (0xff00 >> Math.min(Math.max(prefix - 8 * i, 0), 8));
          view.setUint8(rule + 8 + i, (bytes[i] as number) & mask);
          view.setUint8(rule + 24 + i, mask);
        }
      }
      break;
    case 'remembered':
      into[0] = ask.missing ? 1 : 0;
      break;
  }
}
