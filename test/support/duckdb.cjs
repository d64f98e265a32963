#!/usr/bin/env node
// DuckDB's own engine, from npm, behind what the recipes use of its command line, which Debian does not have: -c SQL.
const { DuckDBInstance } = require('@duckdb/node-api');
(async () => {
  const connection = await (await DuckDBInstance.create()).connect();
  const [flag, sql] = process.argv.slice(2);
  if (flag !== '-c') throw new Error('only -c SQL');
  const rows = (await connection.runAndReadAll(sql)).getRowObjectsJson();
  for (const row of rows) console.log(JSON.stringify(row));
})();
