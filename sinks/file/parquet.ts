import { createReadStream } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import split2 from 'split2';

type Row = Record<string, unknown>;

const groupRows = 20_000;
const mostColumns = 1_000;
const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

/** How each kind of column is written. */
const kinds = {
  integer: { type: 'INT64' },
  number: { type: 'DOUBLE' },
  boolean: { type: 'BOOLEAN' },
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  instant: { type: 'INT64', converted_type: 'TIMESTAMP_MICROS' },
  json: { type: 'BYTE_ARRAY', converted_type: 'JSON' },
} as const;
type Kind = keyof typeof kinds;

/**
 * Converts an NDJSON file to Parquet: one column per field, one row per event, and row groups of 20,000 so that memory does
 * not grow with the file. `ts` becomes a timestamp in microseconds; arrays and objects become JSON.
 */
export async function writeParquet(from: string, to: FileHandle): Promise<void> {
  const columns = await columnsOf(from);
  const schema = [...columns].map(([name, kind]) => ({ name, ...kinds[kind], repetition_type: 'OPTIONAL' as const }));
  const writer = new ByteWriter();
  const root = { name: 'root', num_children: columns.size };
  const parquet = new ParquetWriter({ writer, schema: [root, ...schema], createdBy: 'synpipe' });
  const write = async (group: Row[]) => {
    const columnData = [...columns].map(([name, kind]) => ({ name, data: group.map((row) => value(row[name], kind)) }));
    await parquet.write({ columnData, rowGroupSize: groupRows });
    await to.appendFile(writer.getBytes());
    writer.index = 0; // reuses the buffer; `offset` keeps counting
  };
  let group: Row[] = [];
  for await (const row of rows(from)) {
    if (group.push(row) < groupRows) continue;
    await write(group);
    group = [];
  }
  if (group.length > 0) await write(group);
  await parquet.finish();
  await to.appendFile(writer.getBytes());
}

function rows(from: string): AsyncIterable<Row> {
  return pipeline(
    createReadStream(from),
    split2((line: string) => (line === '' ? undefined : JSON.parse(line))),
    () => {}, // the iteration throws its error
  );
}

async function columnsOf(from: string): Promise<Map<string, Kind>> {
  const columns = new Map<string, Kind>();
  for await (const row of rows(from)) {
    for (const [name, one] of Object.entries(row)) {
      if (one !== null) columns.set(name, widened(columns.get(name), kindOf(name, one)));
    }
    if (columns.size > mostColumns) throw new Error(`more than ${mostColumns} different fields`);
  }
  return columns;
}

function kindOf(name: string, one: unknown): Kind {
  if (typeof one === 'number') return Number.isSafeInteger(one) ? 'integer' : 'number';
  if (typeof one === 'boolean') return 'boolean';
  if (typeof one === 'string')
    return name === 'ts' && instant.test(one) && !Number.isNaN(Date.parse(one)) ? 'instant' : 'string';
  return 'json';
}

/** Returns the narrowest kind that can hold values of both kinds. */
function widened(known: Kind | undefined, kind: Kind): Kind {
  if (known === undefined || known === kind) return kind;
  const both = [known, kind];
  if (both.every((one) => one === 'integer' || one === 'number')) return 'number';
  return both.every((one) => one === 'instant' || one === 'string') ? 'string' : 'json';
}

function value(one: unknown, kind: Kind): unknown {
  if (one === undefined || (one === null && kind !== 'json')) return undefined;
  if (kind === 'integer') return BigInt(one as number);
  if (kind === 'instant')
    return BigInt(Date.parse(`${(one as string).slice(0, 19)}Z`)) * 1_000n + BigInt((one as string).slice(20, 26));
  return one;
}
