import { kinds } from '../../generated/kinds.js';
import { Struct } from './layout.js';

/** What a question asks about a line: see `Condition`. */
export const ask = ['type', 'has', 'within', 'network', 'remembered'] as const;

/** The verdicts. */
export const pass = -1;
export const drop = -2;

/** `yes` and `no` are what the answer leads to: the index of another question, or a verdict. */
export const question = new Struct({
  ask: 'i32',
  yes: 'i32',
  no: 'i32',
  /** Where its data is, in bytes from the start of the filter. */
  data: 'i32',
  /** The place of its field, for each kind of line. */
  places: ['i32', kinds.length],
});

/**
 * A filter is a graph of questions. The questions apply to the kinds in `wanted` (bits); lines of the kinds in `drops` never pass,
 * and all others do. The data of the questions follows them.
 */
export const filter = new Struct({
  wanted: 'u32',
  first: 'i32',
  drops: 'u32',
  unused: 'u32',
  questions: [question, 0],
});

/** The data of `within`: pairs of bounds. */
export const ranges = new Struct({ count: 'i32', bounds: ['f64', 0] });

/** A rule with `ipv6` matches no IPv4 address. */
export const rule = new Struct({ ipv6: 'i32', bits: ['u8', 16], mask: ['u8', 16] });
export const networks = new Struct({ count: 'i32', rules: [rule, 0] });

/** A remembered answer, by the bytes of the value. A value has one possible slot, which it shares with others. */
export const verdict = new Struct({ length: 'u8', answer: 'u8', value: ['u8', 62] });
export const verdictBits = 11;
export const memory = new Struct({ missing: 'i32', verdicts: [verdict, 1 << verdictBits] });

/** The registers of `filter` after a call, and those of `learn` before one. */
export const filterRegisters = new Struct({ passed: 'i32', question: 'i32', seen: 'u32' });
export const learnRegisters = new Struct({ question: 'i32', answer: 'i32' });
