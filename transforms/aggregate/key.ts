import { attemptTypes } from '../../schemas/attempts.js';
import { kinds } from '../../schemas/generated/kinds.js';
import { nearestField } from '../../schemas/pipe/command/nearest.js';
import type { Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';
import { sourcesOf } from '../../schemas/pipe/line/virtual.js';
import { invalidValue } from '../../schemas/pipe/messages/errors.js';
import { logMessage } from '../../schemas/pipe/messages/log.js';
import { workableTypes } from '../filter/types.js';
import { writeAddress } from './address.js';
import { KeyBytes } from './bytes.js';
import { duration, durationText, parseTime, timeText } from './time.js';

/** A field to group by: its whole value, an address reduced to a network, or `ts` in steps. */
export interface GroupField {
  name: string;
  /** How many bits of an address are kept. */
  v4: number;
  v6: number;
  /** `ts` is rounded down to a multiple of this, µs. 0 for other fields. */
  step: number;
}

/** Returns the fields that events of these types can have. */
const fieldsOf = (types: readonly string[]) => [
  ...kinds.flatMap(({ type, fields }) => (types.includes(type) ? fields : [])),
  'dest',
];

/** The fields to group by, for shell completion. */
export const fieldNames = [...new Set(fieldsOf(workableTypes))].filter(
  (name) => !['type', 'v', 'seq', 'ts', 'id'].includes(name),
);

/** Every field that an event can have. */
const known = new Set(fieldsOf(kinds.map(({ type }) => type).filter((type) => !['ecs', 'otel'].includes(type))));

function unknownField(name: string): string {
  const near = nearestField(name, [...known]);
  return `${near ? `${near} Write` : 'write'} .${name} for a field of your own`;
}

const whole = { v4: 32, v6: 128, step: 0 };
/** The fields that are addresses, which have several spellings. */
export const addresses = ['saddr', 'daddr'];
const defaultV6 = 64;

/** Parses the fields of a group given by an option: those in no schema are written as `.team`. Throws UsageError. */
export function knownFields(text: string): GroupField[] {
  const all = fields(text);
  const parts = text.split(',').map((part) => part.trim());
  const bad = all.find(({ name }, at) => !known.has(name) && !parts[at]?.startsWith('.'));
  if (bad) throw invalidValue(bad.name, unknownField(bad.name));
  return all;
}

/** Parses the fields of a group: `comm,daddr/24,ts:1m`. Throws UsageError. */
export function fields(text: string): GroupField[] {
  const all = text.split(',').map((part) => field(part.trim()));
  const twice = all.find(({ name }, at) => all.findIndex((one) => one.name === name) < at);
  if (twice) throw invalidValue(text, `name ${twice.name} only once`);
  return all;
}

function field(text: string): GroupField {
  const [, name = '', v4, v6, step] = /^\.?([\w.-]+)(?:\/(\d{1,3})(?:\/(\d{1,3}))?|:(\w+))?$/.exec(text) ?? [];
  if (!name) throw invalidValue(text, 'use fields such as comm, daddr/24, daddr/24/64, ts:1m');
  if (name === 'ts') {
    if (step === undefined || v4 !== undefined) throw invalidValue(text, 'give ts a step, as in ts:1m');
    const us = duration(step);
    if (us === 0) throw invalidValue(text, 'use a step above 0, as in ts:1m');
    return { ...whole, name, step: us };
  }
  if (step !== undefined) throw invalidValue(text, 'only ts can have a step');
  if (v4 === undefined) return { ...whole, name };
  if (!addresses.includes(name)) throw invalidValue(text, 'only saddr and daddr can have a prefix');
  const bits = { v4: Number(v4), v6: Number(v6 ?? defaultV6) };
  if (bits.v4 > 32 || bits.v6 > 128) {
    throw invalidValue(text, 'use a prefix of up to 32 for IPv4 and up to 128 for IPv6 (daddr/24/64)');
  }
  return { ...whole, name, ...bits };
}

/** Returns whether a field's whole value is used. */
export const isWhole = ({ v4, v6, step }: GroupField) => v4 === whole.v4 && v6 === whole.v6 && step === 0;

/** Returns fields as text for `fields` to parse, in a canonical spelling. */
export function fieldsText(all: readonly GroupField[]): string {
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
/** The longest text of an address or a time is shorter than this. */
const shortText = 64;

/** A field of a line that may hold the value. */
interface Location {
  at: LineField;
  /** Whether it is an address, which has several spellings. */
  address: boolean;
}

/** A field of the key, and the fields of a line that may hold its value (dest has several). */
interface KeyPart extends GroupField {
  locations: readonly Location[];
  /** Whether the schemas define the field, or a line had it. */
  found: boolean;
}

/**
 * The key of an event's group, as bytes: the JSON text of each field's value, followed by a newline, which canonical JSON
 * never contains. Equal values have the same text. If the event does not have the field, the text is empty.
 */
export class Key extends KeyBytes {
  readonly #parts: readonly KeyPart[];

  /** @param types the types of the events that the key is read from */
  constructor(
    readonly fields: readonly GroupField[],
    types = attemptTypes,
  ) {
    super();
    const known = fieldsOf(types);
    this.#parts = fields.map((one) => ({
      ...one,
      locations: sourcesOf(one.name).map((name) => ({ at: new LineField(name), address: addresses.includes(name) })),
      found: known.includes(one.name),
    }));
  }

  /** A field that no line had and that the schemas do not define, which may be a typo. */
  get unknownField(): string | undefined {
    return this.#parts.find(({ found }) => !found)?.name;
  }

  /** Reads the key of a line. Returns whether the line has at least one of the fields. */
  read(line: Line): boolean {
    let any = false;
    this.length = 0;
    for (const part of this.#parts) {
      for (const { at, address } of part.locations) {
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

  #value(part: KeyPart, address: boolean, raw: Buffer, from: number, to: number): void {
    this.need(to - from + shortText);
    const { buffer, length } = this;
    if (part.step > 0) {
      const us = parseTime(raw, from + 1);
      this.length += buffer.write(`"${timeText(us - modulo(us, part.step))}"`, length, 'latin1');
    } else if (address && raw[from] === quote && (part.v4 < 32 || !isIpv4(raw, from + 1))) {
      let end = from + 1;
      while (raw[end] !== quote && raw[end] !== slash) end++; // in a summary, a prefix may follow
      buffer[length] = quote;
      const last = writeAddress(raw, from + 1, end, buffer, length + 1, part.v4, part.v6);
      buffer[last] = quote;
      this.length = last + 1;
    } else this.copy(raw, from, to);
  }
}

/** Reports at the end if no event had one of the key's fields. */
export function reportUnknownField(command: string, { unknownField }: Key): void {
  if (unknownField === undefined) return;
  const near = fieldNames.includes(unknownField) ? undefined : nearestField(unknownField, fieldNames);
  logMessage(command, `no event had the field ${unknownField}${near ? `; ${near}` : ''}`);
}

/** Returns whether an address or network is IPv4: it has a dot after one to three digits. */
function isIpv4(raw: Buffer, at: number): boolean {
  return raw[at] !== colon && (raw[at + 1] === dot || raw[at + 2] === dot || raw[at + 3] === dot);
}

/** Returns the remainder, which is never negative. */
export function modulo(number: number, by: number): number {
  return ((number % by) + by) % by;
}

/**
 * Returns whether a summary with groups by `theirs` is detailed enough for groups by `mine`. For a step of ts, the
 * summary's time, start to end, must lie within one step.
 */
export function covers(
  mine: readonly GroupField[],
  theirs: readonly GroupField[],
  start: number,
  end: number,
): boolean {
  return mine.every(({ name, v4, v6, step }) => {
    if (step > 0) return Math.floor(start / step) === Math.floor((end - 1) / step);
    const its = theirs.find((one) => one.name === name);
    if (!its && name === 'dest')
      return ['name', 'daddr'].every((one) => theirs.some((its) => its.name === one && isWhole(its)));
    return its !== undefined && its.v4 >= v4 && its.v6 >= v6;
  });
}
