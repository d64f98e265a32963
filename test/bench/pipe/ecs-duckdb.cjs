// DuckDB does the same as ecs.jq with typed columns, from the file to NDJSON. Argument: the file.
const { DuckDBInstance } = require('@duckdb/node-api');

const [file] = process.argv.slice(2);
(async () => {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  await connection.run('SET preserve_insertion_order = false');
  await connection.run(`COPY (SELECT ts AS "@timestamp",
    comm || ' (' || pid || ') to ' || daddr || ':' || dport || ': ' || coalesce(error, 'attempted') AS message,
    {version: '9.4.0'} AS ecs,
    {module: 'synpipe', dataset: 'synpipe.' || type, kind: 'event', category: ['network'], type: ['connection', 'start'],
      action: 'connection_attempted', outcome: CASE WHEN error IS NULL THEN 'unknown' ELSE 'failure' END,
      sequence: seq} AS event,
    {transport: 'tcp', direction: 'egress', type: 'ipv' || family} AS network,
    {ip: saddr, address: saddr, port: sport} AS source, {ip: daddr, address: daddr, port: dport} AS destination,
    {pid: pid, thread: {id: tid, name: comm}, parent: {pid: ppid}, name: pcomm, executable: exe} AS process,
    {id: uid::VARCHAR, 'group': {id: gid::VARCHAR}} AS user, {ip: [saddr, daddr]} AS related,
    {type: 'synpipe'} AS agent, {id: id, netns: netns, cgroup: cgroup, via: via} AS synpipe
    FROM read_json('${file}', format = 'newline_delimited', columns = {type: 'VARCHAR', seq: 'BIGINT', ts: 'VARCHAR',
      id: 'VARCHAR', pid: 'UINTEGER', tid: 'UINTEGER', ppid: 'UINTEGER', uid: 'UINTEGER', gid: 'UINTEGER', comm: 'VARCHAR',
      pcomm: 'VARCHAR', exe: 'VARCHAR', netns: 'UINTEGER', cgroup: 'VARCHAR', family: 'UTINYINT', saddr: 'VARCHAR',
      sport: 'USMALLINT', daddr: 'VARCHAR', dport: 'USMALLINT', via: 'VARCHAR', error: 'VARCHAR'}))
    TO '/dev/stdout' (FORMAT json)`);
})();
