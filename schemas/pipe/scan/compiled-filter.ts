import { kinds } from '../../generated/kinds.js';
import type { Line } from '../line/line.js';
import { LineField } from '../line/line-field.js';

/** Whether a line passes, as a question that needs no JavaScript to be answered. */
export type Condition =
  | { is: 'and' | 'or'; of: readonly Condition[] }
  | { is: 'not'; of: Condition }
  /** The line is of this type. */
  | { is: 'type'; type: string }
  /** It has the field. */
  | { is: 'has'; field: string }
  /** The field is a whole number in one of these ranges, both ends included. */
  | { is: 'within'; field: string; ranges: readonly Range[] }
  /** The field is an address in one of these networks. */
  | { is: 'network'; field: string; networks: readonly Network[] }
  /** `holds` says it, of each value of the field the same each time, and of lines without it `missing`. */
  | { is: 'remembered'; field: string; missing: boolean; holds: (line: Line) => boolean };

export type Range = readonly [first: number, last: number];

/** An IPv4 one has its bytes behind ::ffff:, and finds IPv4-mapped addresses too; one of IPv6 finds no IPv4 addresses. */
export interface Network {
  ipv6: boolean;
  /** 16. */
  bytes: Uint8Array;
  /** Of all 16 bytes. */
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

/** Which lines pass, for choose.h, which says how this is laid out. */
export class CompiledFilter {
  readonly #questions: { ask: Question; yes: number; no: number }[] = [];
  /** The kinds of the lines that were asked so far, as bits; each has its place in `kinds`. */
  seen = 0;
  readonly #first: number;
  readonly #wanted: number;
  readonly #ends: number;
  readonly #dns: number;

  /** @param types the lines that are asked  @param ends the lines that never pass; all others do */
  constructor(types: readonly string[], ask: Condition, ends: readonly string[] = []) {
    this.#wanted = bitsOf(types);
    this.#ends = bitsOf(ends);
    this.#dns = this.#ends & bitsOf(['dns']);
    this.#first = this.#add(ask, pass, drop);
  }

  /** Whether a dns event was seen, and never passes. */
  get hasDroppedDns(): boolean {
    return (this.seen & this.#dns) !== 0;
  }

  /** Whether a line of this type was asked. */
  saw(type: string): boolean {
    return kinds.some((kind, at) => kind.type === type && (this.seen >> at) & 1);
  }

  /** So much memory it takes. */
  get words(): number {
    return this.#questions.reduce((sum, { ask }) => sum + wordsOf(ask), this.#begin);
  }

  /** Whether there may be memory enough. */
  get fits(): boolean {
    return this.#questions.filter(({ ask }) => ask.is === 'remembered').length <= maxMemories;
  }

  /** Writes it into its memory, which is all zeros. */
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

  /** Where the memory of a question begins that could not be answered, in bytes; undefined where it has none. */
  memoryOf(question: number): number | undefined {
    if (this.#questions[question]?.ask.is !== 'remembered') return undefined;
    const before = this.#questions.slice(0, question);
    return 4 * before.reduce((sum, { ask }) => sum + wordsOf(ask), this.#begin);
  }

  /** The field of such a question. */
  fieldOf(question: number): LineField {
    const { ask } = this.#questions[question] as { ask: Question & { field: string } };
    return new LineField(ask.field);
  }

  /** The answer to it. */
  answer(question: number, line: Line): boolean {
    const { ask } = this.#questions[question] as { ask: Question };
    return ask.is === 'remembered' && ask.holds(line);
  }

  get #begin(): number {
    return (headWords + this.#questions.length * questionWords + 1) & ~1;
  }

  /** Adds what is to be asked. Returns where that begins, or what it comes to without a question. */
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

/** The kinds of these types, as bits. */
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
