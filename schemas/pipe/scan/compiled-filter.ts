import { kinds } from '../../generated/kinds.js';
import { cut, isIpv4, type Network } from '../line/address.js';
import { Line } from '../line/line.js';
import { LineField } from '../line/line-field.js';
import * as layout from './filter.layout.js';
import type { ScannedLines } from './scanned-lines.js';
import type { KernelMemory } from './scanner.js';

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

type Question = Exclude<Condition, { of: unknown }>;

/** A filter, compiled for filter.kernel.h. */
export class CompiledFilter implements KernelMemory {
  readonly #questions: { ask: Question; yes: number; no: number }[] = [];
  /** The kinds of the lines filtered so far, as bits, by index in `kinds`. */
  seen = 0;
  readonly #first: number;
  readonly #wanted: number;
  readonly #drops: number;
  readonly #dns: number;

  /**
   * @param types the types that the condition applies to
   * @param drops the types that never pass. All others pass.
   */
  constructor(types: readonly string[], ask: Condition, drops: readonly string[] = []) {
    this.#wanted = bitsOf(types);
    this.#drops = bitsOf(drops);
    this.#dns = this.#drops & bitsOf(['dns']);
    this.#first = this.#add(ask, layout.pass, layout.drop);
  }

  /** Whether a dns event was dropped because of `drops`. */
  get hasDroppedDns(): boolean {
    return (this.seen & this.#dns) !== 0;
  }

  /** Whether a line of this type was filtered. */
  saw(type: string): boolean {
    return kinds.some((kind, at) => kind.type === type && (this.seen >> at) & 1);
  }

  /** Passes and drops scanned lines. Returns how many. If it does not know an answer yet, it learns it, and continues. */
  lines(lines: ScannedLines, out: { pass(lines: ScannedLines): void; drop(lines: number): void }): number {
    for (let done = 0; ; ) {
      const rest = lines.part(done, lines.count);
      const { asked, passed, question } = this.#filter(rest);
      if (passed > 0) out.pass(rest.part(0, passed));
      out.drop(asked - passed);
      done += asked;
      // a separate Line: a stage may still use the last one that passed
      if (question < 0 || !this.#learn(lines.part(done, lines.count, new Line()), question)) return done;
    }
  }

  get bytes(): number {
    return this.#questions.reduce((sum, { ask }) => sum + bytesOf(ask), this.#begin);
  }

  use(memory: ArrayBuffer, offset: number): void {
    const { filter, question } = layout;
    const view = new DataView(memory, offset, this.bytes);
    filter.write(view, 0, { wanted: this.#wanted, first: this.#first, drops: this.#drops });
    let data = this.#begin;
    for (const [i, { ask, yes, no }] of this.#questions.entries()) {
      const places =
        ask.is === 'type' ? kinds.map(({ type }) => (type === ask.type ? 0 : -1)) : new LineField(ask.field).places;
      const values = { ask: layout.ask.indexOf(ask.is), yes, no, data, places };
      question.write(view, filter.at.questions + i * question.bytes, values);
      writeData(ask, view, data);
      data += bytesOf(ask);
    }
  }

  /** Filters lines up to the first that needs an answer: `question`, or -1. Those that pass are moved to the front. */
  #filter(lines: ScannedLines): { asked: number; passed: number; question: number } {
    const { registers } = lines;
    const { at } = layout.filterRegisters;
    registers[at.question] = -1;
    const asked = lines.run('filter', this);
    if (asked > 0) this.seen |= registers[at.seen] as number;
    return { asked, passed: asked && (registers[at.passed] as number), question: registers[at.question] as number };
  }

  /** Answers, for the first line, the question that stopped the filter. Returns whether the filter knows the answer now. */
  #learn(lines: ScannedLines, question: number): boolean {
    const { ask } = this.#questions[question] as { ask: Question };
    if (ask.is !== 'remembered') return false;
    const { at } = layout.learnRegisters;
    lines.registers[at.question] = question;
    lines.registers[at.answer] = Number(ask.holds(lines.line(0)));
    return lines.run('learn', this) === 1;
  }

  /** Where the data of the questions begins. */
  get #begin(): number {
    return aligned(layout.filter.bytes + this.#questions.length * layout.question.bytes);
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

const aligned = (bytes: number) => (bytes + 7) & -8;

/** Returns the size of a question's data. */
function bytesOf(ask: Question): number {
  const { ranges, networks, rule, memory } = layout;
  switch (ask.is) {
    case 'within':
      return ranges.bytes + 16 * ask.ranges.length;
    case 'network':
      return aligned(networks.bytes + rule.bytes * ask.networks.length);
    case 'remembered':
      return aligned(memory.bytes);
    default:
      return 0;
  }
}

function writeData(ask: Question, view: DataView, data: number): void {
  const { ranges, networks, rule, memory } = layout;
  switch (ask.is) {
    case 'within':
      ranges.write(view, data, { count: ask.ranges.length, bounds: ask.ranges.flat() });
      break;
    case 'network':
      networks.write(view, data, { count: ask.networks.length });
      for (const [i, network] of ask.networks.entries()) {
        const { bytes, prefix } = network;
        const mask = cut(new Uint8Array(16).fill(255), prefix);
        const bits = cut(bytes.slice(), prefix);
        rule.write(view, data + networks.at.rules + i * rule.bytes, { ipv6: Number(!isIpv4(network)), bits, mask });
      }
      break;
    case 'remembered':
      memory.write(view, data, { missing: Number(ask.missing) });
      break;
  }
}
