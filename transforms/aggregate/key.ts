import { attemptTypes } from '../../schemas/attempts.js';
import { kinds } from '../../schemas/generated/kinds.js';
import { nearest } from '../../schemas/pipe/command/options.js';
import type { Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';
import { sourcesOf } from '../../schemas/pipe/line/virtual.js';
import { UsageError } from '../../schemas/pipe/messages/errors.js';
import { logMessage } from '../../schemas/pipe/messages/log.js';
import { workableTypes } from '../filter/types.js';
import { writeAddress } from './address.js';
import { KeyBytes } from './bytes.js';
import { duration, durationText, parseTime, timeText } from './time.js';

/** One field to group by: as it is, an address cut to a network, or `ts` in steps. */
export interface Field {
  name: string;
  /** How many bits are kept of an address. */
  v4: number;
  v6: number;
  /** `ts` is rounded down to a multiple of this, µs. */
  step: number;
}

/** The fields that events of these types have. */
const fieldsOf = (types: readonly string[]) => [
  ...kinds.flatMap(({ type, fields }) => (types.includes(type) ? fields : [])),
  'dest',
];

/** The fields that make groups, for shells to complete. */
export const fieldNames = [...new Set(fieldsOf(workableTypes))].filter(
  (name) => !['type', 'v', 'seq', 'ts', 'id'].includes(name),
);

const whole = { v4: 32, v6: 128, step: 0 };
/** The fields that are addresses: these have several spellings. */
export const addresses = ['saddr', 'daddr'];
const usualV6 = 64;

/** `comm,daddr/24,ts:1m`: the fields of a group. */
export function fields(text: string): Field[] {
  const all = text.split(',').map((part) => field(part.trim()));
  const twice = all.find(({ name }, at) => all.findIndex((one) => one.name === name) < at);
  if (twice) throw new UsageError(`names ${twice.name} twice`);
  return all;
}

function field(text: string): Field {
  const [, name = '', v4, v6, step] = /^([\w.-]+)(?:\/(\d{1,3})(?:\/(\d{1,3}))?|:(\w+))?$/.exec(text) ?? [];
  if (!name) throw new UsageError(`wants fields such as comm, daddr/24, daddr/24/64, ts:1m, not "${text}"`);
  if (name === 'ts') {
    if (step === undefined || v4 !== undefined) throw new UsageError('wants ts with a step, as in ts:1m');
    const us = duration(step);
    if (us === 0) throw new UsageError('wants ts with a step above 0');
    return { ...whole, name, step: us };
  }
  if (step !== undefined) throw new UsageError(`has a step for ${name}, which only ts has`);
  if (v4 === undefined) return { ...whole, name };
  if (!addresses.includes(name)) throw new UsageError(`has a prefix for ${name}, which is no address`);
  const bits = { v4: Number(v4), v6: Number(v6 ?? usualV6) };
  if (bits.v4 > 32 || bits.v6 > 128) {
    throw new UsageError(`wants a prefix of up to 32 for IPv4 and up to 128 for IPv6 (daddr/24/64), not "${text}"`);
  }
  return { ...whole, name, ...bits };
}

/** Whether a field makes groups as it is. */
export const isWhole = ({ v4, v6, step }: Field) => v4 === whole.v4 && v6 === whole.v6 && step === 0;

/** What `fields` reads, each field in its one spelling. */
export function fieldsText(all: readonly Field[]): string {
  return all
    .map(({ name, v4, v6, step }) => {
      if (step > 0) return `${name}:${durationText(step)}`;
      return v4 < 32 || v6 < 128 ? `${name}/${v4}/${v6}` : name;
    })
    .join(',');
}

const newline = 10;
const quote = 34;
const dot = 46;
const slash = 47;
const colon = 58;
/** More than any address or time takes. */
const shortText = 64;

/** Where a value is found in a line. */
interface Source {
  at: LineField;
  /** Addresses have several spellings. */
  address: boolean;
}

/** A field to read: where its value may be, and what becomes of it. */
interface Part extends Field {
  sources: readonly Source[];
  /** A line had it, or might have. */
  found: boolean;
}

/**
 * The key of an event's group, as bytes: the JSON text of each field's value, in one spelling for one value, each with a
 * newline behind it (which canonical JSON never holds). A field that the event does not have gives nothing.
 */
export class Key extends KeyBytes {
  readonly #parts: readonly Part[];

  /** `types`: the events that it is read from. */
  constructor(
    readonly fields: readonly Field[],
    types = attemptTypes,
  ) {
    super();
    const known = fieldsOf(types);
    this.#parts = fields.map((one) => ({
      ...one,
      sources: sourcesOf(one.name).map((name) => ({ at: new LineField(name), address: addresses.includes(name) })),
      found: known.includes(one.name),
    }));
  }

  /** A field that no line had, and that is none of the schema's: that may be a typo. */
  get missed(): string | undefined {
    return this.#parts.find(({ found }) => !found)?.name;
  }

  /** Takes the key of a line. Returns whether the line has one of the fields. */
  read(line: Line): boolean {
    let any = false;
    this.length = 0;
    for (const part of this.#parts) {
      for (const { at, address } of part.sources) {
        if (!line.locate(at)) continue;
        part.found = any = true;
        this.#value(part, address, line.raw, line.from, line.to);
        break;
      }
      this.buffer[this.length++] = newline;
    }
    this.pad();
    return any;
  }

  #value(part: Part, address: boolean, raw: Buffer, from: number, to: number): void {
    this.need(to - from + shortText);
    const { buffer, length } = this;
    if (part.step > 0) {
      const us = parseTime(raw, from + 1);
      this.length += buffer.write(`"${timeText(us - modulo(us, part.step))}"`, length, 'latin1');
    } else if (address && raw[from] === quote && (part.v4 < 32 || !isIpv4(raw, from + 1))) {
      let end = from + 1;
      while (raw[end] !== quote && raw[end] !== slash) end++; // a summary's network has its prefix behind a slash
      buffer[length] = quote;
      const last = writeAddress(raw, from + 1, end, buffer, length + 1, part.v4, part.v6);
      buffer[last] = quote;
      this.length = last + 1;
    } else this.copy(raw, from, to);
  }
}

/** Says, after all lines, that none had a field that was asked for. */
export function sayMissed(command: string, { missed }: Key): void {
  if (missed === undefined) return;
  const near = fieldNames.includes(missed) ? undefined : nearest(missed, fieldNames);
  logMessage(command, `no event had the field ${missed}${near ? `; ${near}` : ''}`);
}

/** Whether an address is IPv4: that has a dot behind one to three digits. Of one in a summary's network too. */
function isIpv4(raw: Buffer, at: number): boolean {
  return raw[at] !== colon && (raw[at + 1] === dot || raw[at + 2] === dot || raw[at + 3] === dot);
}

/** The remainder that is never negative. */
export function modulo(number: number, by: number): number {
  return ((number % by) + by) % by;
}

/**
 * Whether a summary by `theirs` says what `mine` needs of it. Its own time, ts to end, may lie in one step of ts.
 */
export function enough(mine: readonly Field[], theirs: readonly Field[], start: number, end: number): boolean {
  return mine.every(({ name, v4, v6, step }) => {
    if (step > 0) return Math.floor(start / step) === Math.floor((end - 1) / step);
    const its = theirs.find((one) => one.name === name);
    if (!its && name === 'dest')
      return ['name', 'daddr'].every((one) => theirs.some((its) => its.name === one && isWhole(its)));
    return its !== undefined && its.v4 >= v4 && its.v6 >= v6;
  });
}
