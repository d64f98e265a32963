import { readFileSync } from 'node:fs';
import { cut } from '../../schemas/pipe/line/address.js';
import { cause, RuntimeError, remedy } from '../../schemas/pipe/messages/errors.js';
import { block } from './ip.js';

export type Fields = Record<string, string | number | boolean>;

/** The fields of networks. The longest prefix wins. */
export class NetworkMap {
  readonly #byLength: { bits: number; size: number; blocks: Map<string, Fields> }[] = [];

  add(address: Uint8Array, bits: number, fields: Fields): boolean {
    const size = address.length;
    let level = this.#byLength.find((one) => one.bits === bits && one.size === size);
    if (!level) {
      level = { bits, size, blocks: new Map() };
      this.#byLength.push(level);
      this.#byLength.sort((a, b) => b.bits - a.bits);
    }
    const key = prefix(address, bits);
    if (level.blocks.has(key)) return false;
    level.blocks.set(key, fields);
    return true;
  }

  find(address: Uint8Array): Fields | undefined {
    for (const { bits, size, blocks } of this.#byLength) {
      const fields = size === address.length ? blocks.get(prefix(address, bits)) : undefined;
      if (fields) return fields;
    }
    return undefined;
  }
}

const prefix = (address: Uint8Array, bits: number) => String.fromCharCode(...cut(address.slice(), bits));

/**
 * Reads a map: NDJSON (`{"cidr":"10.0.0.0/8","team":"web"}`) if the file begins with `{`, else CSV whose first line names
 * the columns, one of which is `cidr`. Throws RuntimeError with the number of the first invalid line.
 *
 * @param taken the fields that events of attempts can have
 */
export function readNetworkMap(path: string, taken: ReadonlySet<string>): NetworkMap {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').replace(/^\ufeff/, '');
  } catch (error) {
    throw new RuntimeError(`cannot read map ${path}: ${cause(error)}; ${remedy(error)}`);
  }
  const map = new NetworkMap();
  const lines = text.split(/\r?\n/);
  const json = text.trimStart().startsWith('{');
  let columns: string[] | undefined;
  for (const [i, line] of lines.entries()) {
    if (line.trim() === '' || (!json && line.startsWith('#'))) continue;
    try {
      if (!json && !columns) columns = header(line, taken);
      else put(map, json ? fromJson(line, taken) : fromCsv(line, columns as string[]));
    } catch (error) {
      throw new RuntimeError(`map ${path}, line ${i + 1}: ${(error as Error).message}`);
    }
  }
  return map;
}

function put(map: NetworkMap, { cidr, ...fields }: Fields): void {
  const parsed = typeof cidr === 'string' ? block(cidr.trim()) : undefined;
  if (!parsed) throw new Error(`cidr must be an address or a CIDR block, not ${JSON.stringify(cidr) ?? 'missing'}`);
  if (!map.add(parsed.address, parsed.bits, fields)) throw new Error(`${cidr} appears twice; remove one of the lines`);
}

function header(line: string, taken: ReadonlySet<string>): string[] {
  const columns = cells(line).map((name) => name.trim());
  if (!columns.includes('cidr'))
    throw new Error('no column is named cidr; the first line of a CSV file must name the columns');
  checkNames(columns, taken);
  return columns;
}

function fromCsv(line: string, columns: string[]): Fields {
  const values = cells(line);
  if (values.length !== columns.length) throw new Error(`${values.length} cells, but ${columns.length} columns`);
  return Object.fromEntries(columns.map((name, i) => [name, values[i] as string] as const).filter(([, v]) => v !== ''));
}

function fromJson(line: string, taken: ReadonlySet<string>): Fields {
  let fields: unknown;
  try {
    fields = JSON.parse(line);
  } catch {
    throw new Error('not JSON');
  }
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) throw new Error('not a JSON object');
  checkNames(Object.keys(fields), taken);
  for (const [name, value] of Object.entries(fields)) {
    if (!['string', 'number', 'boolean'].includes(typeof value)) {
      throw new Error(`${name} must be text, a number, true or false`);
    }
  }
  return fields as Fields;
}

function checkNames(names: string[], taken: ReadonlySet<string>): void {
  for (const [i, name] of names.entries()) {
    if (name === '') throw new Error(`column ${i + 1} has no name`);
    if (names.indexOf(name) < i) throw new Error(`column ${name} appears twice`);
    if (taken.has(name)) throw new Error(`events already have a field ${name}; choose another name`);
  }
}

/** Splits a line of CSV at commas. A quoted cell may contain commas, and its quotes are doubled. */
function cells(line: string): string[] {
  const found: string[] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
  for (let more = true; more; ) {
    const match = cell.exec(line);
    if (!match) throw new Error('a quote is not closed, or is in the middle of a cell');
    found.push(match[1] === undefined ? (match[2] as string) : match[1].replaceAll('""', '"'));
    more = match[3] === ',';
  }
  return found;
}
