#!/usr/bin/env node
// DuckDB's engine from npm, with the command line option that the recipes use, -c SQL. Debian has no duckdb package.
const { DuckDBInstance } = require('@duckdb/node-api');
(async () => {
  const connection = await (await DuckDBInstance.create()).connect();
  const [flag, sql] = process.argv.slice(2);
  if (flag !== '-c') throw new Error('only -c SQL');
  const rows = (await connection.runAndReadAll(sql)).getRowObjectsJson();
  for (const row of rows) console.log(JSON.stringify(row));
})();
