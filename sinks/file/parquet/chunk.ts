import type { ColumnChunk, Encoding, Statistics } from 'hyparquet';
import { ByteWriter } from 'hyparquet-writer';
import { writePageHeader } from 'hyparquet-writer/src/datapage.js';
import { writeRleBitPackedHybrid } from 'hyparquet-writer/src/encoding.js';
import { snappyCompress } from 'hyparquet-writer/src/snappy.js';
import { type Kind, kinds } from './kind.js';
import { encodePlain, type Plain } from './plain.js';
import type { Values } from './values.js';

/** Writes one column of a row group of `rows` rows: with a dictionary if that at least halves it. */
export function writeChunk(writer: ByteWriter, name: string, kind: Kind, values: Values, rows: number): ColumnChunk {
  const start = writer.offset;
  const plain = kind === 'boolean' ? undefined : encodePlain(values, kind);
  const size = plain ? plainSize(plain, values, rows) : 0;
  const width = Math.ceil(Math.log2(values.count || 1)); // of an index into the dictionary, in bits
  const page = new ByteWriter(1 << 12);
  let encoding: Encoding;
  let dictionary = 0; // its size
  if (!plain) {
    encoding = 'RLE';
    writeBooleans(page, values, rows);
  } else if (values.count > 0 && 2 * (plain.bytes.length + (values.filled * width) / 8) <= size) {
    encoding = 'RLE_DICTIONARY';
    dictionary = writeDictionary(writer, plain);
    page.appendUint8(width);
    writeRleBitPackedHybrid(page, indexes(values, rows), width);
  } else {
    encoding = 'PLAIN';
    page.appendBytes(values.filled === values.count ? plain.bytes : gathered(plain, values, rows, size));
  }
  const dataStart = writer.offset;
  const uncompressed = dictionary + writeData(writer, page.getBytes(), encoding, values, rows);
  const statistics: Statistics = { null_count: BigInt(rows - values.filled) };
  if (plain && values.count > 0) Object.assign(statistics, { min_value: plain.min, max_value: plain.max });
  return {
    file_offset: BigInt(start),
    meta_data: {
      type: kinds[kind].type,
      encodings: dictionary > 0 ? ['PLAIN', encoding] : [encoding],
      path_in_schema: [name],
      codec: 'SNAPPY',
      num_values: BigInt(rows),
      total_compressed_size: BigInt(writer.offset - start),
      total_uncompressed_size: BigInt(uncompressed),
      data_page_offset: BigInt(dataStart),
      ...(dictionary > 0 && { dictionary_page_offset: BigInt(start) }),
      statistics,
    },
  };
}

/** Returns the size of all rows in the PLAIN encoding. */
function plainSize({ bytes, ends }: Plain, values: Values, rows: number): number {
  if (values.filled === values.count) return bytes.length;
  let size = 0;
  for (let row = 0; row < rows; row++) {
    const number = values.rows[row] as number;
    if (number > 0) size += (ends[number - 1] as number) - (number > 1 ? (ends[number - 2] as number) : 0);
  }
  return size;
}

/** Returns the indexes of the values in the dictionary, of the rows that have one. */
function indexes({ rows: numbers, filled }: Values, rows: number): Int32Array {
  const found = new Int32Array(filled);
  for (let row = 0, to = 0; row < rows; row++) {
    const number = numbers[row] as number;
    if (number > 0) found[to++] = number - 1;
  }
  return found;
}

/** Returns the value of each row that has one, in the PLAIN encoding: `size` bytes. */
function gathered({ bytes, ends }: Plain, values: Values, rows: number, size: number): Buffer {
  const all = Buffer.allocUnsafe(size);
  let to = 0;
  for (const at of indexes(values, rows)) {
    for (let from = at === 0 ? 0 : (ends[at - 1] as number); from < (ends[at] as number); from++)
      all[to++] = bytes[from] as number;
  }
  return all;
}

function writeBooleans(page: ByteWriter, values: Values, rows: number): void {
  const bits = indexes(values, rows).map((at) => (values.end(at) - values.start(at) === 'true'.length ? 1 : 0));
  const runs = new ByteWriter();
  writeRleBitPackedHybrid(runs, bits, 1);
  page.appendUint32(runs.offset);
  page.appendBytes(runs.getBytes());
}

/** Writes a dictionary page. Returns its uncompressed size. */
function writeDictionary(writer: ByteWriter, { bytes, ends }: Plain): number {
  const compressed = snappyCompress(bytes);
  const start = writer.offset;
  writePageHeader(writer, {
    type: 'DICTIONARY_PAGE',
    uncompressed_page_size: bytes.length,
    compressed_page_size: compressed.length,
    dictionary_page_header: { num_values: ends.length, encoding: 'PLAIN' },
  });
  const header = writer.offset - start;
  writer.appendBytes(compressed);
  return header + bytes.length;
}

/** Writes a data page. Returns its uncompressed size. */
function writeData(writer: ByteWriter, page: Uint8Array, encoding: Encoding, values: Values, rows: number): number {
  const levels = new ByteWriter();
  const isSet = new Uint8Array(rows);
  for (let row = 0; row < rows; row++) isSet[row] = values.rows[row] === 0 ? 0 : 1;
  writeRleBitPackedHybrid(levels, isSet, 1);
  const compressed = snappyCompress(page);
  const start = writer.offset;
  writePageHeader(writer, {
    type: 'DATA_PAGE_V2',
    uncompressed_page_size: levels.offset + page.length,
    compressed_page_size: levels.offset + compressed.length,
    data_page_header_v2: {
      num_values: rows,
      num_nulls: rows - values.filled,
      num_rows: rows,
      encoding,
      definition_levels_byte_length: levels.offset,
      repetition_levels_byte_length: 0,
      is_compressed: true,
    },
  });
  const header = writer.offset - start;
  writer.appendBytes(levels.getBytes());
  writer.appendBytes(compressed);
  return header + levels.offset + page.length;
}
