import { joined, type Preset } from '../preset.js';

/**
 * ClickHouse's HTTP interface. The batch's id is the deduplication token, for tables that remember their last inserts.
 * wait_end_of_query delays the response until the whole insert has succeeded or failed.
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
  results: ({ headers, body }) => {
    const code = headers['x-clickhouse-exception-code'];
    if (code) throw new Error(`exception ${code}: ${body.slice(0, 200)}`);
  },
});
