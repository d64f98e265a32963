import assert from 'node:assert/strict';
import { Ajv2020 } from 'ajv/dist/2020.js';
import * as formats from '../../schemas/formats.cjs';
import { kinds, recordWords } from '../../schemas/generated/scan.js';
import { Field } from '../../schemas/pipe/field.js';
import { Line } from '../../schemas/pipe/line.js';
import { type Scanner, unknownKind } from '../../schemas/pipe/scan/scanner.js';
import { canonical } from '../../schemas/pipe/stage.js';
import { eventTypes, schemaOf } from '../support/arbitrary.js';

const ajv = new Ajv2020({ strictTypes: false, formats: formats.all });
ajv.addVocabulary(['unit', 'source']);
const validators = new Map(eventTypes.map((type) => [type, ajv.compile(schemaOf(type))]));
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

type Event = Record<string, unknown>;

/** The verdict by JSON.parse and validators compiled now from the schema files: the event, if it is one. */
export function reference(bytes: Buffer): Event | undefined {
  try {
    const event = JSON.parse(utf8.decode(bytes));
    if (typeof event !== 'object' || event === null || Array.isArray(event)) return undefined;
    if (!Object.hasOwn(event, 'type') || typeof event.type !== 'string') return undefined;
    return (validators.get(event.type)?.(event) ?? true) ? event : undefined;
  } catch {
    return undefined;
  }
}

const fields = [...new Set(kinds.flatMap((kind) => kind.fields))].map((name) => new Field(name));
const line = new Line();

/** What the current line says of itself is what the parsed event says. */
function same(event: Event, how: string): void {
  assert.equal(line.type, event.type, how);
  for (const field of fields) {
    const value = Object.hasOwn(event, field.name) ? event[field.name] : undefined;
    const found = line.locate(field) ? line.raw.toString('utf8', line.from, line.to) : undefined;
    if (found !== (value === undefined ? undefined : canonical(value)))
      assert.fail(`${how}: ${field.name} is ${found}`);
    const number = line.number(field);
    if (!Object.is(number, typeof value === 'number' ? value : Number.NaN))
      assert.fail(`${how}: ${field.name} is ${number}`);
    if (line.text(field) !== (typeof value === 'string' ? value : undefined))
      assert.fail(`${how}: ${field.name} as text`);
  }
}

/** How often each path was taken. */
export const taken = { scanned: 0, parsed: 0, refused: 0 };

/**
 * Holds a scanner, with JSON.parse and ajv behind it, equal to JSON.parse and ajv alone: verdicts and fields of these
 * lines, which are scanned in one go. Throws an AssertionError that says the line.
 */
export function agree(scanner: Scanner, lines: readonly Buffer[]): void {
  let held = 0;
  for (const bytes of lines) {
    held += bytes.copy(scanner.buffer, held);
    scanner.buffer[held++] = 10;
  }
  let start = 0;
  let scanned = 0;
  let record = 0;
  for (const bytes of lines) {
    if (record === scanned) {
      scanned = scanner.scan(start, held);
      record = 0;
    }
    const at = record++ * recordWords;
    const end = start + bytes.length;
    const how = JSON.stringify(bytes.toString('latin1'));
    assert.equal(scanner.table[at], start, how);
    assert.equal(scanner.table[at + 1], end, how);
    const event = reference(bytes);
    if (scanner.table[at + 2] === unknownKind) {
      const reason = line.parse(scanner.buffer, start, end);
      if ((reason === undefined) !== (event !== undefined)) assert.fail(`${how}: ${reason}`);
      taken[event ? 'parsed' : 'refused']++;
      if (event && start % 16 === 0) same(event, how);
    } else {
      if (!event) assert.fail(`scanned, but invalid: ${how}`);
      line.move(scanner.buffer, start, end, scanner.table, at);
      same(event, how);
      if (start % 8 === 0) assert.deepEqual(line.event, event);
      taken.scanned++;
    }
    start = end + 1;
  }
}
