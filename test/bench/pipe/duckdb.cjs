// DuckDB with a type for each column. It checks the types, but no ranges, patterns or formats.
// Arguments: FIRST and LAST port, and a file; reads stdin without one.
const { DuckDBInstance } = require('@duckdb/node-api');

const [first, last, file = '/dev/stdin'] = process.argv.slice(2);
const types = {
  VARCHAR: ['type', 'ts', 'id', 'comm', 'pcomm', 'exe', 'cgroup', 'saddr', 'daddr', 'via', 'error'],
  BIGINT: ['seq', 'pid', 'tid', 'ppid', 'uid', 'gid', 'netns'],
  INTEGER: ['v', 'family', 'sport', 'dport', 'errno'],
};
const columns = Object.entries(types).flatMap(([type, names]) => names.map((name) => `${name}: '${type}'`));

(async () => {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  await connection.run(`COPY (
    SELECT * FROM read_json('${file}', format = 'newline_delimited', columns = {${columns.join(', ')}})
    WHERE dport BETWEEN ${Number(first)} AND ${Number(last)}
  ) TO '/dev/stdout' (FORMAT json)`);
})();
