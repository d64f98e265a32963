import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { kinds as types } from '../../schemas/generated/kinds.js';
import { writeFile } from '../../schemas/pipe/io/fd.js';
import { record as layout, mostPlaces } from '../../schemas/pipe/scan/record.layout.js';
import { writeChunk } from './parquet/chunk.js';
import { type Kind, kindOf, kinds, widened } from './parquet/kind.js';
import { type Row, readLines, type Scanned } from './parquet/lines.js';
import { Values } from './parquet/values.js';

const groupRows = 20_000;
/** A row group is ended once its lines have this many bytes. */
const groupBytes = 1 << 26;
const mostColumns = 1_000;
const fieldWords = Math.ceil(mostPlaces / 32);
const { at: member } = layout;

/**
 * Converts an NDJSON file to Parquet: one column per field, one row per event, and row groups of at most 20,000, so that
 * memory does not grow with the file. `ts` becomes a timestamp in microseconds; arrays and objects become JSON.
 */
export function writeParquet(from: string, to: number): void {
  const columns = columnsOf(from);
  const schema = [...columns].map(([name, kind]) => ({ name, ...kinds[kind], repetition_type: 'OPTIONAL' as const }));
  const writer = new ByteWriter();
  const root = { name: 'root', num_children: columns.size };
  const parquet = new ParquetWriter({ writer, schema: [root, ...schema], createdBy: 'synpipe' });
  const group = new Group([...columns.keys()]);
  const write = () => {
    const start = writer.offset;
    const chunks = [...columns].map(([name, kind]) => writeChunk(writer, name, kind, group.values(name), group.rows));
    parquet.row_groups.push({
      columns: chunks,
      total_byte_size: chunks.reduce((all, { meta_data }) => all + (meta_data?.total_uncompressed_size ?? 0n), 0n),
      num_rows: BigInt(group.rows),
      total_compressed_size: BigInt(writer.offset - start),
    });
    parquet.num_rows += BigInt(group.rows);
    flush();
    group.clear();
  };
  const flush = () => {
    writeFile(to, Buffer.from(writer.buffer, 0, writer.index));
    writer.index = 0; // reuses the buffer; `offset` keeps counting
  };
  const added = () => {
    if (group.rows === groupRows || group.bytes > groupBytes) write();
  };
  readLines(
    from,
    (line) => {
      group.scanned(line);
      added();
    },
    (row) => {
      group.parsed(row);
      added();
    },
  );
  if (group.rows > 0) write();
  parquet.finish();
  flush();
}

/** The values of some rows, by column. */
class Group {
  rows = 0;
  /** The length of their lines, about. */
  bytes = 0;
  readonly #columns: Map<string, Values>;
  /** For each type of scanned lines, the values of its fields. */
  readonly #ofTypes: (Values | undefined)[][];
  #text = Buffer.alloc(1 << 10);
  #view = new DataView(this.#text.buffer);

  constructor(names: string[]) {
    this.#columns = new Map(names.map((name) => [name, new Values(groupRows)]));
    this.#ofTypes = types.map(({ fields }) => fields.map((name) => this.#columns.get(name)));
  }

  values(name: string): Values {
    return this.#columns.get(name) as Values;
  }

  scanned({ table, record, view, start }: Scanned): void {
    const columns = this.#ofTypes[table[record + member.kind] as number] as (Values | undefined)[];
    for (let word = 0; word < fieldWords; word++) {
      for (let bits = table[record + member.fields + word] as number; bits !== 0; bits &= bits - 1) {
        const place = word * 32 + 31 - Math.clz32(bits & -bits);
        const at = table[record + member.places + place] as number;
        columns[place]?.set(this.rows, view, start + (at & 0xffff), at >>> 16);
      }
    }
    this.bytes += (table[record + member.end] as number) - (table[record + member.start] as number);
    this.rows++;
  }

  parsed(row: Row): void {
    for (const [name, one] of Object.entries(row)) {
      if (one === null) continue;
      const text = jsonOf(one);
      if (text.length * 3 + 4 > this.#text.length) {
        this.#text = Buffer.alloc(text.length * 3 + 4);
        this.#view = new DataView(this.#text.buffer);
      }
      const length = this.#text.write(text);
      this.#columns.get(name)?.set(this.rows, this.#view, 0, length);
      this.bytes += length;
    }
    this.rows++;
  }

  clear(): void {
    for (const values of this.#columns.values()) values.clear();
    this.rows = this.bytes = 0;
  }
}

/** Returns a value as JSON, also numbers that JSON.stringify changes. */
function jsonOf(one: unknown): string {
  if (typeof one !== 'number' || (Number.isFinite(one) && one !== 0)) return JSON.stringify(one);
  if (one === 0) return Object.is(one, -0) ? '-0' : '0';
  return one > 0 ? '1e999' : '-1e999';
}

/** Returns the names and kinds of all columns, in the order in which they appear. */
function columnsOf(from: string): Map<string, Kind> {
  const columns = new Map<string, Kind>();
  const add = (name: string, one: unknown) => {
    if (one !== null) columns.set(name, widened(columns.get(name), kindOf(name, one)));
    if (columns.size > mostColumns) throw new Error(`more than ${mostColumns} different fields`);
  };
  const seen = types.map(() => new Int32Array(fieldWords));
  readLines(
    from,
    ({ table, record, view, start }) => {
      // A field of a type always has values of one kind, so only its first value is read.
      const type = table[record + member.kind] as number;
      const known = seen[type] as Int32Array;
      for (let word = 0; word < fieldWords; word++) {
        const fields = table[record + member.fields + word] as number;
        for (let bits = fields & ~(known[word] as number); bits !== 0; bits &= bits - 1) {
          const place = word * 32 + 31 - Math.clz32(bits & -bits);
          const at = table[record + member.places + place] as number;
          const text = Buffer.from(view.buffer, start + (at & 0xffff), at >>> 16).toString();
          add(types[type]?.fields[place] as string, JSON.parse(text));
        }
        (known[word] as number) |= fields;
      }
    },
    (row) => {
      for (const [name, one] of Object.entries(row)) add(name, one);
    },
  );
  return columns;
}
