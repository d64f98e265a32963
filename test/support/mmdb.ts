import { block } from '../../transforms/enrich/ip.js';

type Value = string | number | { [key: string]: Value } | Value[];

/** Encodes a value as in MaxMind's data sections. */
function encode(value: Value): Buffer {
  if (typeof value === 'string') {
    const bytes = Buffer.from(value);
    return Buffer.concat([head(2, bytes.length), bytes]);
  }
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return Buffer.concat([head(6, 4), bytes]);
  }
  if (Array.isArray(value)) return Buffer.concat([head(11, value.length), ...value.map(encode)]);
  const entries = Object.entries(value);
  return Buffer.concat([head(7, entries.length), ...entries.flatMap(([key, one]) => [encode(key), encode(one)])]);
}

function head(type: number, size: number): Buffer {
  const [short, more] = size < 29 ? [size, []] : [29, [size - 29]];
  return type < 8 ? Buffer.from([(type << 5) | short, ...more]) : Buffer.from([short, type - 7, ...more]);
}

/** A MaxMind database (specification 2.0) with these records by CIDR block, none inside another. */
export function mmdb(records: Record<string, Value>): Buffer {
  const none = -1;
  const nodes: [number, number][] = [[none, none]];
  const data: Buffer[] = [];
  let offset = 0;
  for (const [cidr, record] of Object.entries(records)) {
    const { address, bits } = block(cidr) as { address: Uint8Array; bits: number };
    const bytes = address.length === 4 ? [...new Array(12).fill(0), ...address] : [...address];
    const depth = bits + 128 - address.length * 8;
    let at = 0;
    for (let bit = 0; bit < depth; bit++) {
      const side = ((bytes[bit >> 3] as number) >> (7 - (bit & 7))) & 1;
      const node = nodes[at] as [number, number];
      if (bit === depth - 1)
        node[side] = -2 - offset; // a record; resolved once the number of nodes is known
      else {
        if ((node[side] as number) < 0) node[side] = nodes.push([none, none]) - 1;
        at = node[side] as number;
      }
    }
    data.push(encode(record));
    offset += (data.at(-1) as Buffer).length;
  }
  const tree = Buffer.alloc(nodes.length * 6);
  for (const [n, node] of nodes.entries()) {
    for (const [side, to] of node.entries()) {
      const value = to >= 0 ? to : to === none ? nodes.length : nodes.length + 16 + (-2 - to);
      tree.writeUIntBE(value, n * 6 + side * 3, 3);
    }
  }
  const metadata = {
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1_700_000_000,
    database_type: 'Test',
    description: { en: 'for tests' },
    ip_version: 6,
    languages: ['en'],
    node_count: nodes.length,
    record_size: 24,
  };
  return Buffer.concat([
    tree,
    Buffer.alloc(16),
    ...data,
    Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1'),
    encode(metadata),
  ]);
}
