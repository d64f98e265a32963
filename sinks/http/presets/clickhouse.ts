import { joined, type Preset } from '../preset.js';

/**
 * The HTTP interface. The batch's id is the token by which a table that remembers its last inserts knows one again. A batch
 * that it finds an error in is answered as a whole, since wait_end_of_query holds the answer back until it is certain.
 */
export const clickhouse = (table: string): Preset => ({
  path: '/',
  query: (key) => ({
    query: `INSERT INTO ${table} FORMAT JSONEachRow`,
    insert_deduplication_token: key,
    date_time_input_format: 'best_effort',
    input_format_skip_unknown_fields: '1',
    wait_end_of_query: '1',
  }),
  contentType: 'application/x-ndjson',
  body: ({ lines }) => joined(lines),
  verdict: ({ headers, body }) => {
    const code = headers['x-clickhouse-exception-code'];
    if (code) throw new Error(`exception ${code}: ${body.slice(0, 200)}`);
    return { retry: [], rejected: [] };
  },
});
