// DuckDB does the same with typed columns, from the file to NDJSON. Arguments: the file, then count or latency.
const { DuckDBInstance } = require('@duckdb/node-api');

const [file, what] = process.argv.slice(2);
const more =
  what === 'latency'
    ? `, count(*) FILTER (result <> 'established') AS failed, min(latency_us) AS low, avg(latency_us) AS mean,
       quantile_cont(latency_us, [0.5, 0.9, 0.99]) AS quantiles, max(latency_us) AS high`
    : '';

(async () => {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  await connection.run('SET preserve_insertion_order = false');
  await connection.run(`COPY (SELECT comm, daddr, dport, count(*) AS count${more} FROM read_json('${file}',
    format = 'newline_delimited', columns = {comm: 'VARCHAR', daddr: 'VARCHAR', dport: 'USMALLINT', result: 'VARCHAR',
    latency_us: 'BIGINT'}) GROUP BY ALL) TO '/dev/stdout' (FORMAT json)`);
})();
