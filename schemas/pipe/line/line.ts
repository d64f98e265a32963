import { isUtf8 } from 'node:buffer';
import type { ErrorObject } from 'ajv';
import type { Event } from '../../generated/events.js';
import { kinds } from '../../generated/kinds.js';
import generated from '../../generated/validate.cjs';
import { printable } from '../messages/printable.js';
import { PlainTable } from '../scan/plain-table.js';
import { record as layout, unknownKind } from '../scan/record.layout.js';
import { canonical } from './canonical.js';
import { parseExact } from './exact.js';
import { LineField } from './line-field.js';
import { sourcesOf } from './virtual.js';

/** Any event: one of the contract, or one of an unknown type. */
export type AnyEvent = Event | { type: string; [key: string]: unknown };

const nothing = Buffer.alloc(0);
const newline = 10;
const quote = 34;
const nine = 57;
/** A single line of fewer bytes than this is scanned; a longer one is parsed. */
const scratchBytes = 1 << 12;

const { at: member } = layout;
const types = kinds.map(({ type }) => type);

/**
 * One validated line: its own bytes, `buffer[start..end)` without the newline, and its fields. It is a view that moves from
 * line to line, so it is valid only until the stage's `line()` has ended.
 *
 * A line in canonical form is scanned, not parsed: a field is decoded from the bytes when it is requested. Other lines are
 * parsed. Both give the same results. For many events per second, use `number`, `text` and `locate`.
 */
export class Line {
  buffer: Buffer = nothing;
  start = 0;
  end = 0;
  type = '';
  /** Whether any JSON object is an event: without a type, it is an outcome. */
  lenient = false;
  /** Whether its newline follows it in the buffer, and both stay valid until the next `flush` has ended. */
  stays = false;
  /** The value that `locate` found: raw[from..to), in canonical JSON, so values are equal exactly if their bytes are. */
  raw: Buffer = nothing;
  from = 0;
  to = 0;
  /** Its index in `kinds` if it was scanned. */
  kind = unknownKind;
  #table: Int32Array = new Int32Array(0);
  #record = 0;
  /** The event, once it is parsed. */
  #event: AnyEvent | undefined;
  #encoded = nothing;
  #scratch: PlainTable | undefined;

  /** Returns the value of a top-level field, or of the virtual field `dest`; undefined if the event does not have it. */
  field(name: string): unknown {
    const value = this.#field(name);
    if (value !== undefined || name !== 'dest') return value;
    for (const source of sourcesOf(name)) {
      const found = this.#field(source);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #field(name: string): unknown {
    if (this.kind === unknownKind || this.#event) return this.#own(name);
    const field = knownField(name);
    if (!field || (field.places[this.kind] as number) < 0)
      return this.#table[this.#record + member.others] ? this.#own(name) : undefined;
    if (!this.locate(field)) return undefined;
    const first = this.raw[this.from] as number;
    if (first === quote) return this.text(field);
    return first <= nine ? this.number(field) : JSON.parse(this.raw.toString('utf8', this.from, this.to));
  }

  /** Returns a numeric field; NaN if it is missing or not a number. */
  number(field: LineField): number {
    const kind = this.kind;
    if (kind === unknownKind) return numberOf(own(this.event, field.name));
    const table = this.#table;
    const record = this.#record;
    const place = field.places[kind] as number;
    if (place < 0) return table[record + member.others] ? numberOf(own(this.event, field.name)) : Number.NaN;
    if ((((table[record + member.fields + (place >> 5)] as number) >>> (place & 31)) & 1) === 0) return Number.NaN;
    const word = table[record + member.places + place] as number;
    const { buffer } = this;
    let at = this.start + (word & 0xffff);
    const end = at + (word >>> 16);
    let value = (buffer[at] as number) - 48;
    if (value < 0 || value > 9) return Number.NaN;
    for (at++; at < end; at++) value = value * 10 + ((buffer[at] as number) - 48);
    return value;
  }

  /** Returns a string field; undefined if it is missing or not a string. */
  text(field: LineField): string | undefined {
    if (this.kind === unknownKind) {
      const value = own(this.event, field.name);
      return typeof value === 'string' ? value : undefined;
    }
    if (!this.locate(field) || this.raw[this.from] !== quote) return undefined;
    const text = this.raw.toString('utf8', this.from + 1, this.to - 1);
    return text.includes('\\') ? JSON.parse(`"${text}"`) : text;
  }

  /** Finds a field's value and sets `raw`, `from` and `to` to it. Returns whether the event has the field. */
  locate(field: LineField): boolean {
    const kind = this.kind;
    if (kind === unknownKind) return this.#encode(this.#own(field.name));
    const table = this.#table;
    const record = this.#record;
    const place = field.places[kind] as number;
    if (place < 0) return table[record + member.others] ? this.#encode(this.#own(field.name)) : false;
    if ((((table[record + member.fields + (place >> 5)] as number) >>> (place & 31)) & 1) === 0) return false;
    const word = table[record + member.places + place] as number;
    this.raw = this.buffer;
    this.from = this.start + (word & 0xffff);
    this.to = this.from + (word >>> 16);
    return true;
  }

  /** The whole event as an object, which may be kept. */
  get event(): AnyEvent {
    this.#event ??= JSON.parse(this.buffer.toString('utf8', this.start, this.end)) as AnyEvent;
    return this.#event;
  }

  /** The same, but integers that a number cannot represent exactly are a bigint. */
  get exact(): AnyEvent {
    return parseExact(this.buffer.toString('utf8', this.start, this.end)) as AnyEvent;
  }

  /** Moves to a copy of its bytes. */
  copy(): void {
    this.buffer = Buffer.from(this.buffer.subarray(this.start, this.end));
    this.end -= this.start;
    this.start = 0;
  }

  /** Moves to these bytes. Returns the reason if they are not a valid event. */
  take(buffer: Buffer, start: number, end: number): string | undefined {
    return this.scan(buffer, start, end) ? undefined : this.parse(buffer, start, end);
  }

  /** Moves to these bytes if the scanner accepts them. Returns whether it does. */
  scan(buffer: Buffer, start: number, end: number): boolean {
    const length = end - start;
    if (length >= scratchBytes) return false;
    this.#scratch ??= new PlainTable(scratchBytes, 1);
    const { buffer: scratch, table } = this.#scratch;
    buffer.copy(scratch, 0, start, end);
    scratch[length] = newline;
    this.#scratch.scan(0, length + 1);
    if (table[member.end] !== length || table[member.kind] === unknownKind) return false;
    this.move(buffer, start, end, table, 0);
    return true;
  }

  /** Moves to a line of a known kind, which has a record of the scanner. */
  move(buffer: Buffer, start: number, end: number, table: Int32Array, record: number): void {
    const kind = table[record + member.kind] as number;
    this.buffer = buffer;
    this.start = start;
    this.end = end;
    this.kind = kind;
    this.type = types[kind] as string;
    this.#table = table;
    this.#record = record;
    this.#event = undefined;
  }

  /** Moves to a line that the scanner did not accept, and parses it. Returns the reason if it is not a valid event. */
  parse(buffer: Buffer, start: number, end: number): string | undefined {
    this.buffer = buffer;
    this.start = start;
    this.end = end;
    this.kind = unknownKind;
    if (!isUtf8(buffer.subarray(start, end))) return 'not UTF-8';
    const text = buffer.toString('utf8', start, end);
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      if (text.startsWith('\ufeff')) return "begins with a byte order mark; remove it with sed 's/^\\xEF\\xBB\\xBF//'";
      return `not JSON: ${excerpt(text)}`;
    }
    const reason = invalid(value, text);
    if (reason !== undefined && !(this.lenient && isObject(value))) return reason;
    this.#event = this.lenient ? withType(value as object) : (value as AnyEvent);
    this.type = this.#event.type;
    return undefined;
  }

  /** Returns the value of a field of the parsed event, with exact integers. */
  #own(name: string): unknown {
    const value = own(this.event, name);
    const isSure =
      typeof value === 'object'
        ? value === null
        : typeof value !== 'number' || Math.abs(value) <= Number.MAX_SAFE_INTEGER;
    return isSure ? value : own(this.exact, name);
  }

  /** Writes a value as canonical JSON and sets `raw` to it. */
  #encode(value: unknown): boolean {
    if (value === undefined) return false;
    const text = canonical(value);
    if (text.length * 3 > this.#encoded.length) this.#encoded = Buffer.allocUnsafeSlow(text.length * 3 + 64);
    this.raw = this.#encoded;
    this.from = 0;
    this.to = this.#encoded.write(text);
    return true;
  }
}

const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);

function withType(value: object): AnyEvent {
  const { type } = value as { type?: unknown };
  return typeof type === 'string' ? (value as AnyEvent) : Object.assign({ type: '', v: 1 }, value, { type: 'outcome' });
}

function own(event: AnyEvent, name: string): unknown {
  return Object.hasOwn(event, name) ? (event as Record<string, unknown>)[name] : undefined;
}

const numberOf = (value: unknown) => (typeof value === 'number' ? value : Number.NaN);

const known = new Set(kinds.flatMap(({ fields }) => fields));
const used = new Map<string, LineField>();

/** Returns a field that some type has, by its name. */
function knownField(name: string): LineField | undefined {
  let field = used.get(name);
  if (!field && known.has(name)) {
    field = new LineField(name); // not for all fields at the start: that takes thousands of comparisons
    used.set(name, field);
  }
  return field;
}

/** Returns why a value is not a valid event; undefined if it is. An event of an unknown type only needs a type. */
export function invalid(value: unknown, text = String(value)): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return `not a JSON object: ${excerpt(text)}`;
  }
  if (!Object.hasOwn(value, 'type')) return '/type is missing';
  const { type } = value as { type: unknown };
  if (typeof type !== 'string') return '/type must be string';
  const validate = Object.hasOwn(generated, type) ? generated[type] : undefined;
  if (!validate) return undefined;
  // Check the version first: another version may have other fields.
  if (Object.hasOwn(value, 'v') && (value as { v: unknown }).v !== 1)
    return '/v must be 1, the version this synpipe reads';
  if (validate(value)) return undefined;
  return reason(validate.errors ?? []);
}

function reason(errors: ErrorObject[]): string {
  const last = errors.at(-1) as ErrorObject;
  const { instancePath: path, keyword, params } = last;
  const where = printable(path);
  switch (keyword) {
    case 'required':
    case 'dependentRequired':
      return `${where}/${params.missingProperty} is missing`;
    case 'const':
      return `${where} must be ${JSON.stringify(params.allowedValue)}`;
    case 'enum':
      return `${where} must be one of ${params.allowedValues.join(', ')}`;
    case 'anyOf':
      return `${where} must be ${errors.flatMap((e) => (e.keyword === 'format' ? [e.params.format] : [])).join(' or ')}`;
    default:
      return `${where} ${last.message}`;
  }
}

function excerpt(text: string): string {
  const bare = text.replace(/^[ \t\r]+|[ \t\r]+$/g, '');
  return printable(bare.length > 60 ? `${bare.slice(0, 60)}…` : bare);
}
