import assert from 'node:assert/strict';
import { isAscii } from 'node:buffer';
import { Ajv2020 } from 'ajv/dist/2020.js';
import * as formats from '../../schemas/formats.cjs';
import { kinds } from '../../schemas/generated/kinds.js';
import { canonical } from '../../schemas/pipe/line/canonical.js';
import { Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';
import { record as layout, recordWords, unknownKind } from '../../schemas/pipe/scan/record.layout.js';
import type { Scanner } from '../../schemas/pipe/scan/scanner.js';
import { validate } from '../../transforms/validate.js';
import { eventTypes, schemaOf } from '../support/arbitrary.js';
import { runStage } from '../support/memory.js';
import type { Random } from './mutate.js';

const ajv = new Ajv2020({ strictTypes: false, formats: formats.all });
ajv.addVocabulary(['unit', 'source']);
const validators = new Map(eventTypes.map((type) => [type, ajv.compile(schemaOf(type))]));
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

type Event = Record<string, unknown>;

/** Returns the event if JSON.parse, and validators compiled now from the schema files, accept it. */
export function reference(bytes: Buffer): Event | undefined {
  try {
    const event = JSON.parse(isAscii(bytes) ? bytes.toString('latin1') : utf8.decode(bytes));
    if (typeof event !== 'object' || event === null || Array.isArray(event)) return undefined;
    if (!Object.hasOwn(event, 'type') || typeof event.type !== 'string') return undefined;
    return (validators.get(event.type)?.(event) ?? true) ? event : undefined;
  } catch {
    return undefined;
  }
}

const fields = [...new Set(kinds.flatMap((kind) => kind.fields))].map((name) => new LineField(name));
const line = new Line();

/** Checks that the accessors of the current line agree with the parsed event. */
function same(event: Event, how: () => string): void {
  assert.equal(line.type, event.type, how());
  for (const field of fields) {
    const value = Object.hasOwn(event, field.name) ? event[field.name] : undefined;
    const is = typeof value;
    if (value === undefined && field.name.charCodeAt(0) % 4 > 0) {
      if (line.locate(field)) fail(field, 'there', how); // only a sample of the missing fields gets the other checks
      continue;
    }
    if (!Object.is(line.number(field), is === 'number' ? value : Number.NaN)) fail(field, 'number', how);
    if (line.text(field) !== (is === 'string' ? value : undefined)) fail(field, 'text', how);
    if (line.locate(field) !== (value !== undefined)) fail(field, 'there', how);
    if (value === undefined) continue;
    const found = line.raw.toString('utf8', line.from, line.to);
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
      // large integers stay exact, beyond what JSON.parse can do
      if (Number(found) !== value) fail(field, 'large', how);
      continue;
    }
    const text = is === 'string' && /^[ !#-[\]-~]*$/.test(value as string) ? `"${value}"` : canonical(value);
    if (found === text) continue;
    // large integers inside an object stay exact too
    if (is !== 'object' || !/\d{16}/.test(found) || canonical(JSON.parse(found)) !== text) fail(field, 'raw', how);
  }
}

function fail(field: LineField, what: string, how: () => string): never {
  assert.fail(`${field.name}: ${what} differs: ${how()}`);
}

/** How often each path was taken. */
export const taken = { scanned: 0, parsed: 0, refused: 0, left: 0, written: 0 };

/**
 * Checks that scanners, with JSON.parse and ajv as the fallback, give the same verdicts and fields as JSON.parse and ajv
 * alone. These lines are scanned in one go. Throws an AssertionError that shows the line. Lines that no scanner accepts go
 * to JSON.parse and ajv in any case: every `sample`th of these is compared.
 */
export function agree(scanners: readonly Scanner[], lines: readonly Buffer[], sample = 1): void {
  const events = new Map<number, Event | undefined>();
  const expected = (i: number) => {
    if (!events.has(i)) events.set(i, reference(lines[i] as Buffer));
    return events.get(i);
  };
  for (const scanner of scanners) agreeOn(scanner, lines, expected, sample);
}

function agreeOn(
  scanner: Scanner,
  lines: readonly Buffer[],
  expected: (i: number) => Event | undefined,
  sample: number,
): void {
  let held = 0;
  for (const bytes of lines) {
    held += bytes.copy(scanner.buffer, held);
    scanner.buffer[held++] = 10;
  }
  let start = 0;
  let scanned = 0;
  let record = 0;
  for (const [i, bytes] of lines.entries()) {
    if (record === scanned) {
      scanned = scanner.scan(start, held);
      record = 0;
    }
    const at = scanner.first + record++ * recordWords;
    const end = start + bytes.length;
    const how = () => `${scanner.constructor.name}: ${JSON.stringify(bytes.toString('latin1'))}`;
    if (scanner.table[at + layout.at.start] !== start || scanner.table[at + layout.at.end] !== end)
      assert.fail(`places: ${how()}`);
    const known = scanner.table[at + layout.at.kind] !== unknownKind;
    if (!known && i % sample !== 0) taken.left++;
    else if (!known) {
      const event = expected(i);
      const reason = line.parse(scanner.buffer, start, end);
      if ((reason === undefined) !== (event !== undefined)) assert.fail(`${how()}: ${reason}`);
      taken[event ? 'parsed' : 'refused']++;
      if (event && i % 16 === 0) same(event, how);
    } else {
      const event = expected(i);
      if (!event) assert.fail(`scanned, but invalid: ${how()}`);
      line.move(scanner.buffer, start, end, scanner.table, at);
      same(event, how);
      if (i % 8 === 0) assert.deepEqual(line.event, event);
      taken.scanned++;
    }
    start = end + 1;
  }
}

const own = /^\{"type":"lost","v":1,"stage":"validate"/;

/** Checks that a stage fed these lines, cut into pieces, writes exactly the valid ones, byte for byte. */
export async function agreeOnOutput(lines: readonly Buffer[], random: Random): Promise<void> {
  const bytes = Buffer.concat(lines.flatMap((one) => [one, Buffer.from('\n')]));
  const pieces: Buffer[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = start + 1 + random.below(random.of([3, 100, 1000, bytes.length]));
    pieces.push(bytes.subarray(start, end));
    start = end;
  }
  const { out } = await runStage(validate(), pieces);
  const written = out.split('\n').filter((text) => text !== '' && !own.test(text));
  const valid = lines.filter((one) => reference(one)).map((one) => one.toString());
  assert.deepEqual(written, valid);
  taken.written += written.length;
}
